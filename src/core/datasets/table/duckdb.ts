import { closeSync, mkdtempSync, openSync, readSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import {
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBDoubleVector,
  DuckDBInstance,
} from '@duckdb/node-api'
import { UserError } from '../../../shared/errors.ts'
import { BLOCK } from '../cells/column.ts'
import { type Reading, readingOf } from '../cells/reading.ts'
import { damageOf } from './damage.ts'
import type { Table, TableSink } from './table.ts'

const MEMORY = '512MB'
const HEAD_ROWS = 1_000
const MOST_COLUMNS = 10_000
/** Bytes of a text that are looked at; the dictionary of texts tells apart by fewer. */
const TEXT = 4_096

/**
 * A Parquet or JSONL file, read by DuckDB in columns. Lists and records inside cells are named, not read.
 * @throws UserError `dataset/parquet`, `dataset/jsonl`
 */
export async function openWithDuckDb(path: string, format: 'parquet' | 'jsonl'): Promise<Table> {
  const alias = withoutPattern(resolve(path))
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    memory_limit: MEMORY,
    temp_directory: '',
  })
  const connection = await instance.connect()
  const close = async () => {
    connection.closeSync()
    instance.closeSync()
    if (alias.folder) rmSync(alias.folder, { recursive: true, force: true })
  }
  try {
    await connection.run("set TimeZone = 'UTC'")
    return await describe(connection, path, format, alias.path, close)
  } catch (error) {
    await close()
    throw await damageOf(error, path, format)
  }
}

async function describe(
  connection: DuckDBConnection,
  path: string,
  format: 'parquet' | 'jsonl',
  source: string,
  close: () => Promise<void>,
): Promise<Table> {
  const from = await readable(connection, source, format)
  const described = await connection.runAndReadAll(`describe from ${from}`)
  const types = described.getRows().map(row => ({ name: String(row[0]), type: String(row[1]) }))
  if (types.length > MOST_COLUMNS) tooManyColumns(types.length, path)
  const head = await headOf(connection, from, types)
  const columns = types.map(({ name, type }, c) => ({
    name,
    type,
    reading: readingFor(
      type,
      head.map(row => row[c] ?? ''),
    ),
  }))
  return {
    path,
    format,
    columns,
    head,
    scan: async (sink, _crew, signal) => {
      try {
        await scan(connection, from, columns, sink, signal)
      } catch (error) {
        throw await damageOf(error, path, format)
      }
    },
    close,
  }
}

/** JSON types come from a sample; when a later row does not fit, from all rows. */
async function readable(
  connection: DuckDBConnection,
  path: string,
  format: 'parquet' | 'jsonl',
): Promise<string> {
  const file = quoted(path)
  if (format === 'parquet') return `read_parquet(${file})`
  const layout = firstLetter(path) === '[' ? 'array' : 'newline_delimited'
  const from = `read_json(${file}, format = '${layout}')`
  try {
    await connection.run(`select count(columns(*)) from ${from}`)
    return from
  } catch {
    return from.replace(/\)$/, ', sample_size = -1)')
  }
}

function firstLetter(path: string): string | undefined {
  const file = openSync(path, 'r')
  try {
    const head = Buffer.alloc(1_024)
    return head
      .toString('utf8', 0, readSync(file, head))
      .replace(/^\ufeff/, '')
      .trimStart()[0]
  } finally {
    closeSync(file)
  }
}

async function headOf(
  connection: DuckDBConnection,
  from: string,
  types: readonly { name: string }[],
): Promise<string[][]> {
  const cells = types.map(({ name }) => `${identifier(name)}::varchar`).join(', ')
  const read = await connection.runAndReadAll(`select ${cells} from ${from} limit ${HEAD_ROWS}`)
  return read.getRows().map(row => row.map(cell => (cell === null ? '' : String(cell))))
}

const NUMBER = /^(U?(TINYINT|SMALLINT|INTEGER|BIGINT|HUGEINT)|FLOAT|DOUBLE|DECIMAL\(.*\))$/
const DATE = /^(DATE|TIMESTAMP.*)$/
const TEXTS = /^(VARCHAR|UUID|BOOLEAN|TIME.*|ENUM\(.*\)|JSON)$/

function readingFor(type: string, cells: readonly string[]): Reading {
  if (NUMBER.test(type)) return { kind: 'number', decimal: '.' }
  if (DATE.test(type)) return { kind: 'date', layout: 'ymd' }
  return TEXTS.test(type) ? readingOf(cells, '.') : { kind: 'nested', type }
}

function expression(name: string, type: string): string {
  const column = identifier(name)
  if (NUMBER.test(type)) return `coalesce(${column}::double, 'nan'::double)`
  if (DATE.test(type)) return `coalesce(epoch_us(${column}::timestamp) / 86400000000.0, 'nan'::double)`
  return type === 'JSON' ? `${column}->>'$'` : `${column}::varchar`
}

async function scan(
  connection: DuckDBConnection,
  from: string,
  columns: readonly { name: string; type: string; reading: Reading }[],
  sink: TableSink,
  signal?: AbortSignal,
): Promise<void> {
  const wanted = columns.flatMap(({ name, type }, c) =>
    sink.columns[c] ? [{ column: sink.columns[c], sql: expression(name, type) }] : [],
  )
  const select = wanted.map(({ sql }) => sql).join(', ') || 'null'
  const scratch = Buffer.alloc(TEXT)
  const result = await connection.stream(`select ${select} from ${from}`)
  for (;;) {
    signal?.throwIfAborted()
    const chunk = await result.fetchChunk()
    if (!chunk || chunk.rowCount === 0) return
    for (let row = 0; row < chunk.rowCount; ) {
      const count = Math.min(chunk.rowCount - row, BLOCK - sink.at)
      for (const [c, { column }] of wanted.entries()) copy(chunk, c, row, count, column, sink, scratch)
      row += count
      if (!sink.advance(count)) return
    }
  }
}

function copy(
  chunk: DuckDBDataChunk,
  c: number,
  row: number,
  count: number,
  column: NonNullable<TableSink['columns'][number]>,
  sink: TableSink,
  scratch: Buffer,
): void {
  const vector = chunk.getColumnVector(c)
  if (vector instanceof DuckDBDoubleVector) {
    column.values(
      Float64Array.from({ length: count }, (_, i) => vector.getItem(row + i) ?? Number.NaN),
      sink.at,
      sink.row,
    )
    return
  }
  for (let i = 0; i < count; i++) {
    const text = vector.getItem(row + i)
    const size = text === null ? 0 : scratch.write(String(text))
    column.cell(scratch, 0, size, sink.at + i, sink.row + i)
  }
}

/** DuckDB takes *, ? and […] in a path for a pattern: such a path is reached by a link. */
function withoutPattern(path: string): { path: string; folder?: string } {
  if (!/[*?[\]{}]/.test(path)) return { path }
  const folder = mkdtempSync(join(tmpdir(), 'gradstr-link-'))
  symlinkSync(path, join(folder, 'table'))
  return { path: join(folder, 'table'), folder }
}

const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`
const identifier = (name: string) => `"${name.replaceAll('"', '""')}"`

function tooManyColumns(count: number, path: string): never {
  throw new UserError('dataset/too-many-columns', {
    message: `The table has ${count} columns (at most ${MOST_COLUMNS}).`,
    fix: 'Keep the columns that matter.',
    where: path,
  })
}
