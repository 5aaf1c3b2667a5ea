import { BLOCK, type BlockColumn, type ColumnPart } from './column.ts'
import { Dictionary, MISSING, UNLISTED } from './dictionary.ts'

/** So many different texts are listed. One-hot encoding ends far below. */
export const MOST_TEXTS = 4_096

export class TextColumn implements BlockColumn<Int32Array> {
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

  part(): ColumnPart {
    return { listed: this.dictionary.listed() }
  }

  join({ listed }: ColumnPart, _row: number, blocks: readonly Int32Array[]): void {
    if (!listed) throw new TypeError('a part of a text column lists its texts')
    const codes = this.dictionary.codesOf(listed)
    for (const block of blocks)
      for (let i = 0; i < block.length; i++) if (block[i]! >= 0) block[i] = codes[block[i]!]!
  }

  absorb(codes: Int32Array, rows: number): void {
    const { counts } = this
    while (counts.length < this.dictionary.size) counts.push(0)
    for (let i = 0; i < rows; i++) {
      const code = codes[i]!
      if (code === MISSING) this.missing++
      else if (code !== UNLISTED) counts[code]!++
    }
    this.rows += rows
  }
}
