import { readSync } from 'node:fs'
import { UserError } from '../../../shared/errors.ts'
import { BLOCK } from '../cells/column.ts'
import { columnFor } from '../cells/known.ts'
import { NumberColumn } from '../cells/number-column.ts'
import type { Reading } from '../cells/reading.ts'
import { type SharedBlock, sharedBlock } from '../table/block.ts'
import type { TablePart, TableSink } from '../table/table.ts'
import type { Dialect } from './dialect.ts'
import { NotUtf8, RecordReader } from './records.ts'
import { RowSink } from './row-sink.ts'

/** Bytes [from, to) of an open file of UTF-8, where a line begins. */
export interface PartRequest {
  file: number
  from: number
  to: number
  /** Nothing follows. */
  last: boolean
  /** The first record is the header. */
  header: boolean
  dialect: Pick<Dialect, 'separator' | 'newline' | 'decimal' | 'names'>
  /** How each column is to be read; undefined where its cells are not wanted. */
  readings: (Reading | undefined)[]
  /** Which columns are known to have many different numbers already, so that nobody needs to count them. */
  many: boolean[]
  /** Of blocks of this table that are not needed any more. */
  memory: SharedArrayBuffer[]
}

export interface ReadPart extends TablePart {
  lines: number
}

/** A piece and the block that is filled from it stay in a core's own cache. */
const PIECE = 64 * 1024

/**
 * Reads a part of a table by itself.
 * @returns undefined when the part ends within a record, or when there is a fault in it: then whoever knows what came
 *   before must read it
 */
export function readPart(request: PartRequest): ReadPart | undefined {
  const { file, from, to, last, header, dialect } = request
  const sink = new PartSink(request)
  const rows = new RowSink(sink, { ...dialect, header }, '')
  const reader = new RecordReader(rows, dialect.separator, dialect.newline, '')
  const buffer = Buffer.allocUnsafe(Math.min(PIECE, to - from))
  try {
    for (let at = from; at < to; ) {
      const size = readSync(file, buffer, 0, Math.min(buffer.length, to - at), at)
      if (size === 0) return undefined
      reader.push(buffer.subarray(0, size))
      at += size
    }
    if (last) reader.finish()
    else if (reader.within) return undefined
  } catch (error) {
    if (error instanceof UserError || error instanceof NotUtf8) return undefined
    throw error
  }
  return rows.waiting ? undefined : { ...sink.part(), lines: reader.line - 1 }
}

/** Keeps blocks, and what is known of their columns: that is learned while they are in the processor's cache. */
class PartSink implements TableSink {
  readonly columns: ReturnType<typeof columnFor>[]
  readonly #memory: SharedArrayBuffer[]
  readonly #blocks: SharedBlock[] = []
  at = 0
  row = 0

  constructor({ readings, many, memory }: PartRequest) {
    this.columns = readings.map(reading => reading && columnFor(reading, Infinity))
    for (const [c, column] of this.columns.entries())
      if (column instanceof NumberColumn && many[c]) column.many = true
    this.#memory = [...memory]
  }

  advance(count: number): boolean {
    this.at += count
    this.row += count
    if (this.at === BLOCK) this.#flush()
    return true
  }

  #flush(): void {
    const kept = this.columns.filter(column => column !== undefined)
    for (const column of kept) column.absorb(column.current as never, this.at) // its own values
    const columns = kept.map(({ current }) => current)
    this.#blocks.push(sharedBlock({ rows: this.at, columns }, this.#memory.pop()))
    this.at = 0
  }

  part(): TablePart {
    if (this.at > 0) this.#flush()
    return { rows: this.row, blocks: this.#blocks, columns: this.columns.map(column => column?.part()) }
  }
}

/** Memory of an answer that can be handed over to another thread. */
export const memoryOf = ({ columns }: ReadPart): ArrayBuffer[] =>
  columns.flatMap(column =>
    column?.listed
      ? [column.listed.bytes.buffer, column.listed.ends.buffer, column.listed.hashes.buffer]
      : [],
  )
