import { BLOCK, type Column } from './column.ts'
import { Dictionary, MISSING, UNLISTED } from './dictionary.ts'

/** So many different texts are listed. One-hot encoding ends far below. */
export const MOST_TEXTS = 4_096

export class TextColumn implements Column {
  readonly reading = { kind: 'text' } as const
  readonly dictionary = new Dictionary(MOST_TEXTS)
  /** Rows of each listed text, by its code. */
  readonly counts: number[] = []
  rows = 0
  missing = 0
  #codes = new Int32Array(BLOCK)

  cell(buffer: Uint8Array, start: number, end: number, at: number): void {
    this.#codes[at] = this.dictionary.codeOf(buffer, start, end)
  }

  values(): never {
    throw new TypeError('a text column takes cells')
  }

  take(rows: number): Int32Array {
    const codes = this.#codes
    const { counts } = this
    while (counts.length < this.dictionary.values.length) counts.push(0)
    for (let i = 0; i < rows; i++) {
      const code = codes[i]!
      if (code === MISSING) this.missing++
      else if (code !== UNLISTED) counts[code]!++
    }
    this.rows += rows
    this.#codes = new Int32Array(BLOCK)
    return codes
  }
}
