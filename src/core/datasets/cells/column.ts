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
}

/** A column that is kept in blocks, and what is known of it. */
export interface BlockColumn<
  Values extends Float64Array | Int32Array = Float64Array | Int32Array,
  Part extends ColumnPart = ColumnPart,
> extends Column {
  /** The block that is being filled, again and again in the same memory. */
  readonly current: Values
  /** Updates what is known of the column by the next rows of the table. */
  absorb(values: Values, rows: number): void
  /** What is known of the column, in a form that crosses threads. */
  part(): Part
  /**
   * Joins what a column like this one knows of the next part of the table, from `row` on.
   * @param blocks  the part's values; its codes are made this column's, in place
   */
  join(part: Part, row: number, blocks: readonly Values[]): void
}

/** What a column knows of a part of the table, beside its values: rows of misfits count from the part's first. */
export interface ColumnPart {
  rows: number
  misfits?: Misfits | undefined
  listed?: Listed
}

/** Values of a dictionary in the order of their codes, as bytes: value i ends at `ends[i]`. */
export interface Listed {
  bytes: Uint8Array<ArrayBuffer>
  ends: Int32Array<ArrayBuffer>
  hashes: Int32Array<ArrayBuffer>
}

/** A cell may be offered twice, when its row was cut by the end of a buffer; it counts once. */
export function counted(misfits: Misfits | undefined, row: number, example: string): Misfits {
  if (!misfits) return { count: 1, row, example: example.slice(0, 60), last: row }
  if (misfits.last !== row) {
    misfits.count++
    misfits.last = row
  }
  return misfits
}

/** Those of the table so far and those of its next part, which begins at `row`. */
export function joined(
  before: Misfits | undefined,
  part: Misfits | undefined,
  row: number,
): Misfits | undefined {
  if (!part) return before
  const last = part.last + row
  if (!before) return { ...part, row: part.row + row, last }
  return { ...before, count: before.count + part.count, last }
}

export function textOf(buffer: Uint8Array, start: number, end: number): string {
  return Buffer.from(buffer.buffer, buffer.byteOffset + start, end - start).toString('utf8')
}
