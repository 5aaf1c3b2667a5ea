import type { Reading } from './reading.ts'

/** Rows in a block of columns: small enough for the processor's cache, large enough to forget the overhead. */
export const BLOCK = 4_096

/** Rows that are held as columns. Numbers and dates: NaN is missing. Text: codes of the column's dictionary. */
export interface Block {
  rows: number
  columns: (Float64Array | Int32Array)[]
}

/** Cells that did not fit the column's reading; they count as missing. */
export interface Misfits {
  count: number
  /** Index of the first row that has one, from 0. */
  row: number
  example: string
  /** The last row counted. */
  last: number
}

/** One column while its cells come in. */
export interface Column {
  readonly reading: Reading
  /** Takes the cell at [start, end) of `buffer`, UTF-8, for row `at` of the block, row `row` of the table. */
  cell(buffer: Uint8Array, start: number, end: number, at: number, row: number): void
  /** Takes values as they are, from a format that has types, for rows `at`… of the block. */
  values(values: Float64Array, at: number, row: number): void
  /** Ends a block: updates what is known of the column, gives the values away. */
  take(rows: number): Float64Array | Int32Array
}

export function textOf(buffer: Uint8Array, start: number, end: number): string {
  return Buffer.from(buffer.buffer, buffer.byteOffset + start, end - start).toString('utf8')
}
