import { DuckDBInstance } from '@duckdb/node-api'
import { describe, expect, it } from 'vitest'
import { inspectRows, testFolder } from './folder.test-support.ts'
import { readRows } from './index.ts'

const folder = testFolder()

/** The same table in every format: written by DuckDB, but for the CSV, which is ours. */
async function write(format: 'parquet' | 'json', path: string, select: string): Promise<string> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run(`copy (${select}) to '${path.replaceAll("'", "''")}' (format ${format})`)
  connection.closeSync()
  instance.closeSync()
  return path
}

const SELECT = `select i::integer as "row", (i * 37 % 101)::double / 4 as "a b", case when i % 5 = 0 then null else 'k' || (i % 3) end as kind,
  date '2024-01-01' + (i % 28)::integer as day, i % 2 = 0 as even, [i, i] as list, i % 3 as target from range(3000) t(i)`
const csv = `row,a b,kind,day,even,target\n${Array.from({ length: 3_000 }, (_, i) =>
  [
    i,
    ((i * 37) % 101) / 4,
    i % 5 ? `k${i % 3}` : '',
    `2024-01-${String((i % 28) + 1).padStart(2, '0')}`,
    i % 2 === 0,
    i % 3,
  ].join(','),
).join('\n')}\n`

describe.each(['parquet', 'json'] as const)('%s', format => {
  const name = format === 'json' ? "it's [a] table.jsonl" : "it's [a] table.parquet"

  it('gives the same training data as the same table in CSV', async () => {
    const other = await folder.prepare(await write(format, folder.path(name), SELECT), {
      out: folder.path('a'),
    })
    const text = await folder.prepare(folder.write('t.csv', csv), { out: folder.path('b') })
    expect(other.shards.map(({ sha256 }) => sha256)).toEqual(text.shards.map(({ sha256 }) => sha256))
    expect(other.inputs).toBe(text.inputs)
  })

  it('is inspected by its own types, lists named and left out', async () => {
    const path = await write(format, folder.path(name), SELECT)
    const { columns, rows, format: found } = await inspectRows(path)
    expect([found, rows]).toEqual([format === 'json' ? 'jsonl' : 'parquet', 3_000])
    expect(columns.map(({ name, type, role }) => [name, type, role])).toEqual([
      ['row', 'integer', 'identifier'],
      ['a b', 'number', 'feature'],
      ['kind', 'text', 'feature'],
      ['day', 'date', 'feature'],
      ['even', 'text', 'feature'],
      ['list', 'nested', 'ignored'],
      ['target', 'integer', 'target'],
    ])
    expect(columns[2]?.missing).toBe(600)
  })

  it('gives rows to predict', async () => {
    const rows = await readRows(await write(format, folder.path(name), SELECT))
    expect(rows.length).toBe(3_000)
    expect(rows[1]).toMatchObject({ row: 1, 'a b': 9.25, kind: 'k1', even: 'false', list: null })
    expect(String(rows[1]?.day)).toMatch(/^2024-01-02/)
  })
})

describe('numbers that Parquet has and tables should not', () => {
  it('NaN is missing, infinity is refused with its row', async () => {
    const select = `select case when i = 5 then 'nan'::double when i = 7 then 'inf'::double else i * 1.5 end as a, i % 2 as y from range(50) t(i)`
    const { columns, problems } = await inspectRows(await write('parquet', folder.path('n.parquet'), select))
    expect(columns[0]?.missing).toBe(1)
    expect(problems[0]).toMatchObject({ code: 'dataset/infinite', message: expect.stringContaining('row 8') })
  })
})

describe('damaged files are named without the words of a database:', () => {
  const told = {
    fix: expect.stringMatching(/^[A-Z].*\.$/),
    message: expect.not.stringMatching(/error:|select|read_/i),
  }

  it('Parquet that was cut off', async () => {
    const bytes = Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(500, 7)])
    await expect(inspectRows(folder.write('x.parquet', bytes))).rejects.toMatchObject({
      code: 'dataset/parquet',
      ...told,
    })
  })

  it('JSON lines, with the line', async () => {
    const text = `${'{"a": 1, "y": 2}\n'.repeat(30)}{"a": 1, "y": \n{"a": 1, "y": 2}\n`
    await expect(inspectRows(folder.write('x.jsonl', text))).rejects.toMatchObject({
      code: 'dataset/jsonl',
      ...told,
      message: expect.stringContaining('Line 31 '),
    })
  })

  it('JSON whose types change far down is read with the types of all rows', async () => {
    const lines = Array.from({ length: 40_000 }, (_, i) =>
      JSON.stringify({ a: i < 30_000 ? i % 7 : `k${i % 7}`, y: i % 2 }),
    )
    const { rows, columns } = await inspectRows(folder.write('x.jsonl', lines.join('\n')))
    expect(rows).toBe(40_000)
    expect(columns[0]).toMatchObject({ type: 'text', distinct: 14 })
  })
})
