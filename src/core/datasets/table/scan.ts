import { BLOCK, type Block, type BlockColumn } from '../cells/column.ts'
import { columnFor, type KnownColumn } from '../cells/known.ts'
import { ENOUGH, type Reading } from '../cells/reading.ts'
import { TextColumn } from '../cells/text-column.ts'
import type { Resources } from '../types.ts'
import { type Crew, crewOf } from './crew.ts'
import { type TableFormat, withTable } from './open.ts'
import { Spool } from './spool.ts'
import type { Table, TablePart, TableSink } from './table.ts'

/** A table that was gone through once. `spool` holds its rows, with one column for each of `columns` that was read. */
export interface Scanned {
  table: Table
  rows: number
  columns: { name: string; reading: Reading; known: KnownColumn | undefined }[]
  spool: Spool | undefined
  crew: Crew
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
    const crew = crewOf()
    try {
      const scanned = await scanWhole(table, crew, options)
      return await use(scanned).finally(() => scanned.spool?.close())
    } finally {
      await crew.stop()
    }
  })
}

/** A column whose beginning looked like numbers or dates and whose rest does not is read again, as text. */
async function scanWhole(table: Table, crew: Crew, options: ScanOptions): Promise<Scanned> {
  let readings = table.columns.map(({ reading }) => reading)
  for (;;) {
    const scanned = await pass(table, readings, crew, options)
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

async function pass(
  table: Table,
  readings: readonly Reading[],
  crew: Crew,
  options: ScanOptions,
): Promise<Scanned> {
  const known = readings.map(reading => columnFor(reading))
  const spool = options.keep ? new Spool(options.temporary, options.memory) : undefined
  const sink = new BlockSink(known, options.sample ?? Infinity, block => spool?.append(block) ?? false)
  try {
    await table.scan(sink, crew, options.signal)
    sink.flush()
  } catch (error) {
    spool?.close()
    throw error
  }
  const columns = table.columns.map(({ name }, c) => ({ name, reading: readings[c]!, known: known[c] })) // same length
  return { table, rows: sink.row, columns, spool, crew }
}

/** Fills blocks of rows and lets each be looked at when it is full. */
export class BlockSink implements TableSink {
  readonly columns: readonly (BlockColumn | undefined)[]
  readonly #limit: number
  readonly #onBlock: (block: Block) => boolean
  readonly append?: (part: TablePart) => SharedArrayBuffer[]
  at = 0
  row = 0

  /** @param onBlock  the block is valid during the call, unless it returns that it keeps the block's shared memory */
  constructor(
    columns: readonly (BlockColumn | undefined)[],
    limit: number,
    onBlock: (block: Block) => boolean,
  ) {
    this.columns = columns
    this.#limit = limit
    this.#onBlock = onBlock
    if (limit === Infinity) this.append = part => this.#append(part)
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
    for (const column of this.#known) column.absorb(column.current, rows)
    this.#onBlock({ rows, columns: this.#known.map(({ current }) => current) })
  }

  #append({ rows, blocks, columns }: TablePart): SharedArrayBuffer[] {
    this.flush()
    const parts = columns.filter(part => part !== undefined)
    // The blocks of one column hold what that column holds.
    for (const [i, column] of this.#known.entries())
      column.join(parts[i]!, this.row, blocks.map(block => block.columns[i]!) as never)
    this.row += rows
    return blocks.flatMap(block => (this.#onBlock(block) ? [] : [block.memory]))
  }

  get #known(): BlockColumn[] {
    return this.columns.filter(column => column !== undefined)
  }
}
