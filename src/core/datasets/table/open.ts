import { NotUtf8 } from '../csv/records.ts'
import { openCsv } from '../csv/table.ts'
import { openWithDuckDb } from './duckdb.ts'
import type { Table } from './table.ts'

export type TableFormat = 'text' | 'parquet' | 'jsonl'

/** Opens a table, lets it be used, closes it. Text that turns out not to be UTF-8 is begun again as windows-1252. */
export async function withTable<T>(
  path: string,
  format: TableFormat,
  use: (table: Table) => Promise<T>,
): Promise<T> {
  if (format !== 'text') return used(await openWithDuckDb(path, format), use)
  try {
    return await used(await openCsv(path), use)
  } catch (error) {
    if (!(error instanceof NotUtf8)) throw error
    return await used(await openCsv(path, 'windows-1252'), use)
  }
}

async function used<T>(table: Table, use: (table: Table) => Promise<T>): Promise<T> {
  try {
    return await use(table)
  } finally {
    await table.close()
  }
}
