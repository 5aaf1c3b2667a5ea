/** So many different values are told apart; a column with more is an amount, not a class. */
export const MOST_DISTINCT = 1_000
const SMALL = 4_096

/** What is known of consecutive rows' numbers, in a form that crosses threads. */
export interface NumbersPart {
  rows: number
  missing: number
  min: number
  max: number
  whole: boolean
  counting: boolean
  first: number
  last: number
  /** Rows of each value, unless there are more than MOST_DISTINCT or nobody asked. */
  counts: [value: number, rows: number][] | undefined
}

/** What is known of a column's numbers; NaN is missing. Nothing depends on where a table is cut into parts. */
export class NumberFacts {
  /** Rows of each small whole number; most class labels are such. */
  readonly #small = new Uint32Array(SMALL)
  #smallSeen = 0
  readonly #others = new Map<number, number>()
  #first = Number.NaN
  #last = Number.NaN
  rows = 0
  missing = 0
  min = Infinity
  max = -Infinity
  /** No value has a fraction. */
  whole = true
  /** Every row is its predecessor plus one: a row number. */
  counting = true
  /** More than MOST_DISTINCT different values; set from outside, they are not counted. */
  many = false

  absorb(values: Float64Array, rows: number): void {
    if (rows === 0) return
    this.#measure(values, rows)
    if (this.whole) this.whole = allWhole(values, rows)
    if (this.counting) this.counting = this.#counts(values[0]!) && allCounting(values, rows)
    if (!this.many) this.#collect(values, rows)
    if (this.rows === 0) this.#first = values[0]!
    this.#last = values[rows - 1]!
    this.rows += rows
  }

  numbers(): NumbersPart {
    const { rows, missing, min, max, whole, counting, many } = this
    const counts = many ? undefined : this.counts()
    return { rows, missing, min, max, whole, counting, first: this.#first, last: this.#last, counts }
  }

  joinNumbers({ rows, missing, min, max, whole, counting, first, last, counts }: NumbersPart): void {
    if (rows === 0) return
    this.counting &&= counting && this.#counts(first)
    this.missing += missing
    // Not Math.min: of 0 and −0 the first stays, as within a part.
    if (min < this.min) this.min = min
    if (max > this.max) this.max = max
    this.whole &&= whole
    if (!counts) this.#tooMany()
    for (const [value, rows] of counts ?? []) if (!this.many) this.#count(value, rows)
    if (this.rows === 0) this.#first = first
    this.#last = last
    this.rows += rows
  }

  /** Whether the next row's value goes on counting. */
  #counts(next: number): boolean {
    return this.rows === 0 || next === this.#last + 1
  }

  #measure(values: Float64Array, rows: number): void {
    let { missing, min, max } = this
    for (let i = 0; i < rows; i++) {
      const value = values[i]!
      if (value < min) min = value
      if (value > max) max = value
      if (Number.isNaN(value)) missing++
    }
    this.missing = missing
    this.min = min
    this.max = max
  }

  #collect(values: Float64Array, rows: number): void {
    for (let i = 0; i < rows && !this.many; i++) if (!Number.isNaN(values[i]!)) this.#count(values[i]!, 1)
  }

  #count(value: number, rows: number): void {
    if (value >= 0 && value < SMALL && value === Math.floor(value)) {
      if (this.#small[value] === 0) this.#smallSeen++
      this.#small[value]! += rows
    } else this.#others.set(value, (this.#others.get(value) ?? 0) + rows)
    if (this.#smallSeen + this.#others.size > MOST_DISTINCT) this.#tooMany()
  }

  #tooMany(): void {
    this.many = true
    this.#others.clear()
  }

  /** How many different values there are, unless `many`. */
  get distinct(): number {
    return this.many ? MOST_DISTINCT + 1 : this.#smallSeen + this.#others.size
  }

  /** Rows of each value, ascending, unless `many`. */
  counts(): [value: number, rows: number][] {
    const counts = [...this.#others]
    for (let value = 0; value < SMALL; value++)
      if (this.#small[value]! > 0) counts.push([value, this.#small[value]!])
    return counts.sort((a, b) => a[0] - b[0])
  }
}

function allWhole(values: Float64Array, rows: number): boolean {
  for (let i = 0; i < rows; i++) {
    const value = values[i]!
    if (value !== Math.floor(value) && !Number.isNaN(value)) return false
  }
  return true
}

function allCounting(values: Float64Array, rows: number): boolean {
  for (let i = 1; i < rows; i++) if (values[i] !== values[i - 1]! + 1) return false
  return true
}
