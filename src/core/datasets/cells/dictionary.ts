import { isMissing } from './missing.ts'

/** Code of a missing value, and of one that came after the dictionary was full. */
export const MISSING = -1
export const UNLISTED = -2

const MOST_BYTES = 1_024

/**
 * Gives each different text a number, without making a string of every cell: open addressing over the bytes.
 * It lists `limit` values; after that, new ones are `UNLISTED`.
 */
export class Dictionary {
  readonly values: string[] = []
  readonly #limit: number
  #slots = new Int32Array(256).fill(-1)
  readonly #keys: Uint8Array[] = []
  readonly #hashes: number[] = []
  readonly #codes: number[] = []
  /** A value beyond the limit was seen. */
  full = false

  constructor(limit: number) {
    this.#limit = limit
  }

  /** @param buffer  UTF-8; the cell lies in [start, end) */
  codeOf(buffer: Uint8Array, start: number, end: number): number {
    while (start < end && buffer[start]! <= 0x20) start++
    while (end > start && buffer[end - 1]! <= 0x20) end--
    if (start === end) return MISSING
    const stop = Math.min(end, start + MOST_BYTES)
    let hash = end - start
    for (let i = start; i < stop; i++) hash = Math.imul(hash ^ buffer[i]!, 0x01000193)
    hash ^= hash >>> 15
    const mask = this.#slots.length - 1
    let slot = hash & mask
    for (;;) {
      const key = this.#slots[slot]!
      if (key < 0) return this.#add(slot, hash, buffer, start, end, stop)
      if (this.#hashes[key] === hash && same(this.#keys[key]!, buffer, start, stop)) return this.#codes[key]!
      slot = (slot + 1) & mask
    }
  }

  #add(slot: number, hash: number, buffer: Uint8Array, start: number, end: number, stop: number): number {
    const text = Buffer.from(buffer.buffer, buffer.byteOffset + start, stop - start).toString('utf8')
    const missing = end === stop && isMissing(text)
    if (!missing && this.values.length >= this.#limit) {
      this.full = true
      return UNLISTED
    }
    const code = missing ? MISSING : this.values.push(text) - 1
    const key = this.#keys.push(Uint8Array.prototype.slice.call(buffer, start, stop)) - 1
    this.#hashes.push(hash)
    this.#codes.push(code)
    this.#slots[slot] = key
    if (this.#keys.length * 2 > this.#slots.length) this.#grow()
    return code
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2).fill(-1)
    for (const [key, hash] of this.#hashes.entries()) {
      let slot = hash & (slots.length - 1)
      while (slots[slot]! >= 0) slot = (slot + 1) & (slots.length - 1)
      slots[slot] = key
    }
    this.#slots = slots
  }
}

function same(key: Uint8Array, buffer: Uint8Array, start: number, stop: number): boolean {
  if (key.length !== stop - start) return false
  for (let i = 0; i < key.length; i++) if (key[i] !== buffer[start + i]) return false
  return true
}
