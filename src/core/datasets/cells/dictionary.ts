import { type Listed, textOf } from './column.ts'
import { isMissing } from './missing.ts'

/** Code of a missing value, and of one that came after the dictionary was full. */
export const MISSING = -1
export const UNLISTED = -2

const MOST_BYTES = 1_024
/** Bytes: all of them are ASCII. */
const LONGEST_MARKER = 4

/**
 * Gives each different text a number, without making a string of every cell: open addressing over the bytes.
 * It lists `limit` values; after that, new ones are `UNLISTED`.
 */
export class Dictionary {
  readonly #limit: number
  readonly #texts: string[] = []
  #slots = new Int32Array(256).fill(-1)
  readonly #keys: Uint8Array[] = []
  readonly #hashes: number[] = []
  readonly #codes: number[] = []
  /** The key of each code. */
  readonly #listed: number[] = []
  /** A value beyond the limit was seen. */
  full = false

  constructor(limit: number) {
    this.#limit = limit
  }

  /** How many values are listed. */
  get size(): number {
    return this.#listed.length
  }

  /** What is listed, by code. */
  get values(): readonly string[] {
    for (const key of this.#listed.slice(this.#texts.length))
      this.#texts.push(Buffer.from(this.#keys[key]!).toString('utf8'))
    return this.#texts
  }

  listed(): Listed {
    const keys = this.#listed.map(key => this.#keys[key]!)
    let end = 0
    const ends = Int32Array.from(keys, key => (end += key.length))
    const bytes = new Uint8Array(end)
    for (const [i, key] of keys.entries()) bytes.set(key, ends[i]! - key.length)
    return { bytes, ends, hashes: Int32Array.from(this.#listed, key => this.#hashes[key]!) }
  }

  /** The codes here of what another dictionary lists. */
  codesOf({ bytes, ends, hashes }: Listed): Int32Array {
    return ends.map((end, i) => this.#find(hashes[i]!, bytes, i === 0 ? 0 : ends[i - 1]!, end, end))
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
    return this.#find(hash, buffer, start, end, stop)
  }

  #find(hash: number, buffer: Uint8Array, start: number, end: number, stop: number): number {
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
    const missing = end === stop && end - start <= LONGEST_MARKER && isMissing(textOf(buffer, start, end))
    if (!missing && this.size >= this.#limit) {
      this.full = true
      return UNLISTED
    }
    const key = this.#keys.push(Uint8Array.prototype.slice.call(buffer, start, stop)) - 1
    const code = missing ? MISSING : this.#listed.push(key) - 1
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
