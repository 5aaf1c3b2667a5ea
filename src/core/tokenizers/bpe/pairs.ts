const ABSENT = -1

/**
 * A map from pairs of tokens to whole numbers ≥ 0, in flat arrays: looking a pair up makes no object and no string,
 * which is most of what encoding and training do.
 */
export class PairMap {
  #left: Int32Array
  #right: Int32Array
  #value: Int32Array
  #mask: number
  #size = 0

  constructor(expected = 1_024) {
    const capacity = 2 ** Math.ceil(Math.log2(Math.max(16, expected * 2)))
    this.#left = new Int32Array(capacity)
    this.#right = new Int32Array(capacity)
    this.#value = new Int32Array(capacity).fill(ABSENT)
    this.#mask = capacity - 1
  }

  get size(): number {
    return this.#size
  }

  /** −1 when the pair has no value. */
  get(left: number, right: number): number {
    return this.#value[this.#place(left, right)]!
  }

  set(left: number, right: number, value: number): void {
    const at = this.#place(left, right)
    if (this.#value[at] === ABSENT) this.#size++
    this.#left[at] = left
    this.#right[at] = right
    this.#value[at] = value
    if (this.#size * 2 > this.#mask) this.#grow()
  }

  /** Where the pair is, or the free place where it would be (open addressing, linear probing). */
  #place(left: number, right: number): number {
    let hash = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)
    hash ^= hash >>> 15
    let at = hash & this.#mask
    while (this.#value[at] !== ABSENT && (this.#left[at] !== left || this.#right[at] !== right))
      at = (at + 1) & this.#mask
    return at
  }

  #grow(): void {
    const old = { left: this.#left, right: this.#right, value: this.#value }
    const capacity = old.value.length * 2
    this.#left = new Int32Array(capacity)
    this.#right = new Int32Array(capacity)
    this.#value = new Int32Array(capacity).fill(ABSENT)
    this.#mask = capacity - 1
    for (let i = 0; i < old.value.length; i++) {
      if (old.value[i] === ABSENT) continue
      const at = this.#place(old.left[i]!, old.right[i]!)
      this.#left[at] = old.left[i]!
      this.#right[at] = old.right[i]!
      this.#value[at] = old.value[i]!
    }
  }
}
