import { UserError } from '../../shared/errors.ts'
import { type Column, textOf } from './cells/column.ts'
import { isMissing } from './cells/missing.ts'
import { parseNumber } from './cells/number.ts'
import type { Reading } from './cells/reading.ts'
import { findDataset } from './open.ts'
import { withSystemErrors } from './system.ts'
import { withTable } from './table/open.ts'
import type { Table } from './table/table.ts'

/** A row to predict: column names and cells. `null` is missing. */
export type Row = Record<string, string | number | null>

const MOST_ROWS = 1_000_000

/**
 * Rows of a CSV, TSV, Parquet or JSONL file, as objects: for predicting, not for training. Numbers in a spelling that
 * depends on the file (1.234,5) come as numbers, everything else as it stands there.
 * @throws UserError `dataset/…`, also for more than a million rows
 */
export function readRows(path: string): Promise<Row[]> {
  return withSystemErrors(path, async () => {
    const found = await findDataset(path, 'table')
    if (found.kind === 'images') found.source.close()
    if (found.kind !== 'table') notATable(path)
    return withTable(found.path, found.format, collect)
  })
}

function notATable(path: string): never {
  throw new UserError('dataset/not-a-table', {
    message: 'This is a folder or an archive, not a table of rows.',
    fix: 'Give one file: a table, or an image file (…-images-idx3-ubyte).',
    where: path,
  })
}

async function collect(table: Table): Promise<Row[]> {
  const columns = table.columns.map(({ reading }) =>
    reading.kind === 'nested' ? undefined : new CellCollector(reading),
  )
  const sink = {
    columns,
    at: 0,
    row: 0,
    advance(count: number): boolean {
      sink.row += count
      if (sink.row > MOST_ROWS) tooMany(table.path)
      return true
    },
  }
  await table.scan(sink)
  return Array.from({ length: sink.row }, (_, row) =>
    Object.fromEntries(table.columns.map(({ name }, c) => [name, columns[c]?.cells[row] ?? null])),
  )
}

class CellCollector implements Column {
  readonly cells: (string | number | null)[] = []
  readonly reading: Reading

  constructor(reading: Reading) {
    this.reading = reading
  }

  cell(buffer: Uint8Array, start: number, end: number, _at: number, row: number): void {
    const text = textOf(buffer, start, end).trim()
    this.cells[row] = isMissing(text) ? null : this.#spelled(text)
  }

  #spelled(text: string): string | number {
    if (this.reading.kind !== 'number' || Number.isFinite(Number(text))) return text
    return parseNumber(text, this.reading.decimal) ?? text
  }

  values(values: Float64Array, _at: number, row: number): void {
    for (const [i, value] of values.entries())
      this.cells[row + i] = Number.isNaN(value) ? null : this.#typed(value)
  }

  #typed(value: number): string | number {
    return this.reading.kind === 'date' ? new Date(value * 86_400_000).toISOString() : value
  }

  take(): never {
    throw new TypeError('rows are not collected in blocks')
  }
}

function tooMany(path: string): never {
  throw new UserError('dataset/too-many-rows', {
    message: `The file has more than ${MOST_ROWS.toLocaleString('en')} rows, which is too much at once.`,
    fix: 'Divide it into smaller files.',
    where: path,
  })
}
