import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { prepare } from '../src/core/datasets/index.ts'
import { writeResult } from './report/result.ts'

const SIZE = 200e6
const TURNS = 5
const MEMORY = '1GB'
/** What an import should reach of DuckDB's own speed. */
const GOAL = 0.6

/**
 * CSV import against DuckDB's bare read of the same file, in turns. The import reads, infers, splits, fits, encodes and
 * writes three shards and a holdout; the bare read parses all columns into memory (`materialised`) and sums them. The
 * cheaper read that keeps nothing and only sums is shown beside it.
 */
export async function run({ json }: { json: boolean }): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'gradstr-bench-'))
  try {
    const file = join(folder, 'table.csv')
    const rows = writeTable(file)
    const times: Record<'bare' | 'sums' | 'import', number[]> = { bare: [], sums: [], import: [] }
    for (let turn = 0; turn <= TURNS; turn++) {
      const bare = await seconds(() =>
        read(`with t as materialized (from read_csv('${file}')) select ${SUMS} from t`),
      )
      const sums = await seconds(() => read(`select ${SUMS} from read_csv('${file}')`))
      const whole = await seconds(() =>
        prepare({ path: file, out: join(folder, 'out'), shards: 3, seed: turn }),
      )
      if (turn === 0) continue // warm: file in the cache, code compiled
      times.bare.push(bare)
      times.sums.push(sums)
      times.import.push(whole)
    }
    report(json, {
      bytes: statSync(file).size,
      rows,
      bare: median(times.bare),
      sums: median(times.sums),
      seconds: median(times.import),
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Figures {
  bytes: number
  rows: number
  bare: number
  sums: number
  seconds: number
}

function report(json: boolean, figures: Figures): void {
  const { bytes, rows, bare, sums, seconds } = figures
  const ratio = bare / seconds
  const cores = availableParallelism()
  const engines = [
    { engine: 'ours', what: 'infer, split, fit, encode, write', median_s: seconds },
    { engine: 'duckdb', what: 'bare read, all columns materialised', median_s: bare },
    { engine: 'duckdb-sums', what: 'sums of all columns, nothing kept', median_s: sums },
  ].map(row => ({ ...row, mb_per_s: bytes / 1e6 / row.median_s }))
  if (json) {
    const table = { bytes, table_rows: rows, cores, runs: TURNS }
    writeResult({
      bench: 'import',
      goal: GOAL,
      ...table,
      rows: engines,
      ratio,
      ratio_to_sums: sums / seconds,
    })
    return
  }
  console.log(
    `CSV of ${(bytes / 1e6).toFixed(0)} MB, ${rows.toLocaleString('en')} rows, ${cores} cores, median of ${TURNS}`,
  )
  for (const { engine, what, median_s, mb_per_s } of engines)
    console.log(
      `${`${engine}: ${what}`.padEnd(50)} ${median_s.toFixed(2).padStart(7)} s ${mb_per_s.toFixed(0).padStart(5)} MB/s`,
    )
  console.log(
    `ratio ${ratio.toFixed(2)} (goal: at least ${GOAL}); to the sums alone ${(sums / seconds).toFixed(2)}`,
  )
}

const COLUMNS = ['id', 'age', 'income', 'balance', 'rate', 'height', 'weight', 'score', 'visits', 'ratio']
const CITIES = ['Berlin', 'Lagos', 'Lima', 'Osaka', 'Oslo', 'Perth']
const SUMS = ['count(*)', ...COLUMNS.map(name => `sum(${name})`), 'max(city)', 'max(label)'].join(', ')

/** Ten columns of numbers of several lengths with some gaps, one of categories, a class. @returns rows */
function writeTable(path: string): number {
  const random = generator()
  const file = openSync(path, 'w')
  let written = writeSync(file, `${[...COLUMNS, 'city', 'label'].join(',')}\n`)
  let rows = 0
  while (written < SIZE) {
    const lines: string[] = []
    for (let i = 0; i < 20_000; i++) lines.push(row(rows++, random))
    written += writeSync(file, lines.join(''))
  }
  closeSync(file)
  return rows
}

function row(id: number, random: () => number): string {
  const number = (scale: number, digits: number) => (random() * scale).toFixed(digits)
  const gap = (text: string) => (random() < 0.02 ? '' : text)
  const cells = [
    id,
    18 + Math.floor(random() * 70),
    gap(number(100_000, 2)),
    number(20_000, 2).replace(/^/, random() < 0.3 ? '-' : ''),
    number(1, 6),
    gap(number(200, 1)),
    number(120, 3),
    number(1_000, 4),
    Math.floor(random() * 300),
    number(10, 5),
    CITIES[Math.floor(random() * CITIES.length)],
    random() < 0.4 ? 'yes' : 'no',
  ]
  return `${cells.join(',')}\n`
}

/** The same table every time. */
function generator(): () => number {
  let state = 1
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 0x1_0000_0000
  }
}

async function read(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: MEMORY })
  const connection = await instance.connect()
  await connection.runAndReadAll(sql)
  connection.closeSync()
  instance.closeSync()
}

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1_000
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!
