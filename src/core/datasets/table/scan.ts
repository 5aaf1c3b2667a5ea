import { BLOCK, type Block, type Column } from '../cells/column.ts'
import { DateColumn } from '../cells/date-column.ts'
import { NumberColumn } from '../cells/number-column.ts'
import { ENOUGH, type Reading } from '../cells/reading.ts'
import { TextColumn } from '../cells/text-column.ts'
import type { Resources } from '../types.ts'
import { type TableFormat, withTable } from './open.ts'
import { Spool } from './spool.ts'
import type { Table, TableSink } from './table.ts'

export type KnownColumn = NumberColumn | TextColumn | DateColumn

/** A table that was gone through once. `spool` holds its rows, with one column for each of `columns` that was read. */
export interface Scanned {
  table: Table
  rows: number
  columns: { name: string; reading: Reading; known: KnownColumn | undefined }[]
  spool: Spool | undefined
}

export interface ScanOptions extends Resources {
  /** The first rows only. */
  sample?: number
  /** Keep the rows for a second pass. */
  keep: boolean
}

/** Goes through the table and lets what was found be used. */
export function scanTable<T>(
  path: string,
  format: TableFormat,
  options: ScanOptions,
  use: (scanned: Scanned) => Promise<T>,
): Promise<T> {
  return withTable(path, format, async table => {
    const scanned = await scanWhole(table, options)
    try {
      return await use(scanned)
    } finally {
      scanned.spool?.close()
    }
  })
}

/** A column whose beginning looked like numbers or dates and whose rest does not is read again, as text. */
async function scanWhole(table: Table, options: ScanOptions): Promise<Scanned> {
  let readings = table.columns.map(({ reading }) => reading)
  for (;;) {
    const scanned = await pass(table, readings, options)
    const wrong = scanned.columns.map(({ known }) => known !== undefined && misread(known))
    if (!wrong.includes(true)) return scanned
    scanned.spool?.close()
    readings = readings.map((reading, c) => (wrong[c] ? { kind: 'text' } : reading))
  }
}

function misread(column: KnownColumn): boolean {
  if (column instanceof TextColumn || !column.misfits) return false
  const filled = column.rows - column.missing + column.misfits.count
  return column.misfits.count > filled * (1 - ENOUGH)
}

async function pass(table: Table, readings: readonly Reading[], options: ScanOptions): Promise<Scanned> {
  const known = readings.map(columnFor)
  const spool = options.keep ? new Spool(options.temporary, options.memory) : undefined
  const sink = new BlockSink(known, options.sample ?? Infinity, block => spool?.append(block))
  try {
    await table.scan(sink, options.signal)
    sink.flush()
  } catch (error) {
    spool?.close()
    throw error
  }
  const columns = table.columns.map(({ name }, c) => ({ name, reading: readings[c]!, known: known[c] })) // same length
  return { table, rows: sink.row, columns, spool }
}

function columnFor(reading: Reading): KnownColumn | undefined {
  switch (reading.kind) {
    case 'number':
      return new NumberColumn(reading.decimal)
    case 'date':
      return new DateColumn(reading.layout)
    case 'text':
      return new TextColumn()
    case 'nested':
      return undefined
  }
}

class BlockSink implements TableSink {
  readonly columns: readonly (Column | undefined)[]
  readonly #limit: number
  readonly #onBlock: (block: Block) => void
  at = 0
  row = 0

  constructor(columns: readonly (Column | undefined)[], limit: number, onBlock: (block: Block) => void) {
    this.columns = columns
    this.#limit = limit
    this.#onBlock = onBlock
  }

  advance(count: number): boolean {
    this.at += count
    this.row += count
    if (this.at >= BLOCK) this.flush()
    return this.row < this.#limit
  }

  flush(): void {
    if (this.at === 0) return
    const rows = this.at
    this.at = 0
    const columns = this.columns.flatMap(column => (column ? [column.take(rows)] : []))
    this.#onBlock({ rows, columns })
  }
}
