import { BLOCK, type BlockColumn, type ColumnPart, type Listed } from './column.ts'
import { Dictionary, MISSING, UNLISTED } from './dictionary.ts'

/** So many different texts are listed. One-hot encoding ends far below. */
export const MOST_TEXTS = 4_096

export interface TextPart extends ColumnPart {
  missing: number
  /** Rows of each listed text. */
  counts: number[]
  listed: Listed
}

export class TextColumn implements BlockColumn<Int32Array, TextPart> {
  readonly reading = { kind: 'text' } as const
  readonly dictionary: Dictionary
  /** Rows of each listed text, by its code. */
  readonly counts: number[] = []
  rows = 0
  missing = 0
  readonly current = new Int32Array(BLOCK)

  /** @param most  texts that are listed */
  constructor(most = MOST_TEXTS) {
    this.dictionary = new Dictionary(most)
  }

  cell(buffer: Uint8Array, start: number, end: number, at: number): void {
    this.current[at] = this.dictionary.codeOf(buffer, start, end)
  }

  values(): never {
    throw new TypeError('a text column takes cells')
  }

  part(): TextPart {
    const { rows, missing } = this
    return { rows, missing, counts: this.#allCounts(), listed: this.dictionary.listed() }
  }

  join({ rows, missing, counts, listed }: TextPart, _row: number, blocks: readonly Int32Array[]): void {
    const codes = this.dictionary.codesOf(listed)
    const all = this.#allCounts()
    for (const [i, code] of codes.entries()) if (code >= 0) all[code]! += counts[i]!
    this.rows += rows
    this.missing += missing
    if (codes.every((code, i) => code === i)) return // the same texts in the same order
    for (const block of blocks)
      for (let i = 0; i < block.length; i++) if (block[i]! >= 0) block[i] = codes[block[i]!]!
  }

  absorb(codes: Int32Array, rows: number): void {
    const counts = this.#allCounts()
    for (let i = 0; i < rows; i++) {
      const code = codes[i]!
      if (code === MISSING) this.missing++
      else if (code !== UNLISTED) counts[code]!++
    }
    this.rows += rows
  }

  /** With a place for each text that is listed by now. */
  #allCounts(): number[] {
    while (this.counts.length < this.dictionary.size) this.counts.push(0)
    return this.counts
  }
}
