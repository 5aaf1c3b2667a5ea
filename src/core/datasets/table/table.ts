import type { Column, ColumnPart } from '../cells/column.ts'
import type { Reading } from '../cells/reading.ts'
import type { DialectReport, Format } from '../types.ts'
import type { SharedBlock } from './block.ts'
import type { Crew } from './crew.ts'

export interface TableSink {
  columns: readonly (Column | undefined)[]
  /** Row of the block that is being filled, and of the table. */
  at: number
  row: number
  /** `count` rows more; a full block is taken out. @returns false to stop */
  advance(count: number): boolean
  /**
   * Takes rows that were read elsewhere; only where every row is wanted, and in blocks.
   * @returns memory of blocks that is not needed any more
   */
  append?: (part: TablePart) => SharedArrayBuffer[]
}

/** Consecutive rows of a table, read by themselves; a column that is not kept is undefined. */
export interface TablePart {
  rows: number
  /** Each of `BLOCK` rows but the last. */
  blocks: SharedBlock[]
  columns: (ColumnPart | undefined)[]
}

/** An open table file: what its beginning tells, and a way to go through all of it. */
export interface Table {
  path: string
  format: Format
  dialect?: DialectReport
  columns: { name: string; reading: Reading }[]
  /** The first rows, as text. */
  head: string[][]
  /** @param crew  helps where it is worth it */
  scan(sink: TableSink, crew?: Crew, signal?: AbortSignal): Promise<void>
  close(): Promise<void>
}
