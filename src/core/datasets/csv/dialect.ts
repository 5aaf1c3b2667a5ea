import { UserError } from '../../../shared/errors.ts'
import { textOf } from '../cells/column.ts'
import { isMissing } from '../cells/missing.ts'
import { type Decimal, parseNumber } from '../cells/number.ts'
import { decimalOf, type Reading, readingOf } from '../cells/reading.ts'
import type { DialectReport } from '../types.ts'
import { RecordReader } from './records.ts'

export interface Dialect {
  separator: DialectReport['separator']
  newline: 'lf' | 'cr'
  decimal: Decimal
  header: boolean
  names: string[]
  readings: Reading[]
  /** The first rows, without the header. */
  head: string[][]
  why: string[]
}

const SEPARATORS = [',', ';', '\t', '|'] as const
const NAMES = { ',': 'comma', ';': 'semicolon', '\t': 'tab', '|': 'bar' }
const HEAD_ROWS = 1_000

/** @param head  the beginning of the file, UTF-8; may end in the middle of a record @param whole  it is all of it */
export function dialectOf(head: Uint8Array, whole: boolean, path: string): Dialect {
  const newline = head.includes(0x0a) || !head.includes(0x0d) ? 'lf' : 'cr'
  const best = bestOf(SEPARATORS.map(separator => attempt(separator, head, whole, newline, path)))
  const { separator, rows, columns } = best
  const why = [separatorWhy(best)]
  const regular = rows.filter(row => row.length === columns)
  const decimal = decimalOf(regular.flat(), separator)
  why.push(
    decimal === ','
      ? 'More cells are numbers with a decimal comma than with a point.'
      : 'Numbers have a decimal point.',
  )
  const body = regular.slice(1)
  const first = rows[0] ?? []
  const bodyReadings = first.map((_, c) => readingOf(column(body, c), decimal))
  const header = isHeader(first, body, bodyReadings)
  why.push(
    header ? 'The first row names the columns.' : 'The first row already holds values: columns are numbered.',
  )
  return {
    separator,
    newline,
    decimal,
    header,
    names: header ? namesFrom(first) : first.map((_, i) => `column_${i + 1}`),
    readings: header ? bodyReadings : first.map((_, c) => readingOf(column(regular, c), decimal)),
    head: header ? rows.slice(1) : rows,
    why,
  }
}

/** A wrong separator may also see quotes where there are none: only when none works, its error counts. */
function attempt(
  separator: Try['separator'],
  head: Uint8Array,
  whole: boolean,
  newline: 'lf' | 'cr',
  path: string,
) {
  try {
    return score(separator, rowsOf(head, whole, separator, newline, path))
  } catch (error) {
    if (error instanceof UserError) return error
    throw error
  }
}

function bestOf(tries: readonly (Try | UserError)[]): Try {
  const readable = tries.filter((one): one is Try => !(one instanceof UserError))
  if (readable.length === 0) throw tries[0]
  return readable.reduce((a, b) => (better(b, a) ? b : a))
}

/** Cells of the first rows for one separator. */
function rowsOf(
  head: Uint8Array,
  whole: boolean,
  separator: string,
  newline: 'lf' | 'cr',
  path: string,
): string[][] {
  const rows: string[][] = []
  let cells: string[] = []
  const sink = {
    numbers: [],
    at: 0,
    decimal: 0,
    cell: (index: number, buffer: Uint8Array, start: number, end: number) => {
      if (index === 0) cells = []
      cells[index] = textOf(buffer, start, end)
    },
    end: () => rows.push(cells) < HEAD_ROWS,
  }
  const reader = new RecordReader(sink, separator, newline, path)
  if (reader.push(head) && whole) reader.finish()
  return rows
}

interface Try {
  separator: DialectReport['separator']
  rows: string[][]
  /** Cells of most rows. */
  columns: number
  /** Part of the rows with so many cells. */
  regular: number
  /** Part of the filled cells that are numbers. */
  numbers: number
}

function score(separator: Try['separator'], rows: string[][]): Try {
  const counts = new Map<number, number>()
  for (const { length } of rows) counts.set(length, (counts.get(length) ?? 0) + 1)
  const [columns = 1, most = 0] = [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0] ?? []
  const cells = rows
    .slice(0, 200)
    .flat()
    .map(c => c.trim())
    .filter(text => !isMissing(text))
  const numbers = cells.filter(c => parseNumber(c, '.') !== undefined || parseNumber(c, ',') !== undefined)
  return {
    separator,
    rows,
    columns,
    regular: rows.length === 0 ? 0 : most / rows.length,
    numbers: cells.length === 0 ? 0 : numbers.length / cells.length,
  }
}

/** A separator that splits regularly wins; then the one that leaves more numbers; then the one with more columns. */
function better(a: Try, b: Try): boolean {
  if (a.columns > 1 !== b.columns > 1) return a.columns > 1
  if (Math.abs(a.regular - b.regular) > 0.02) return a.regular > b.regular
  if (a.numbers !== b.numbers) return a.numbers > b.numbers
  return a.columns > b.columns
}

function separatorWhy({ separator, columns, regular, rows }: Try): string {
  if (columns === 1) return 'No separator divides the rows: there is one column.'
  const part = regular === 1 ? 'all' : `${Math.floor(regular * 100)} % of the`
  return `The ${NAMES[separator]} divides ${part} first ${rows.length} rows into ${columns} columns.`
}

/** A first row whose cells do not fit the columns below it is a header; among texts, one that does not recur. */
function isHeader(
  first: readonly string[],
  body: readonly string[][],
  readings: readonly Reading[],
): boolean {
  const votes = first.map((cell, c) => vote(cell.trim(), column(body, c), readings[c] ?? { kind: 'text' }))
  return votes.reduce((a, b) => a + b, 0) > 0
}

/** 1 for a name, −1 for a value, little or nothing when it could be either. */
function vote(cell: string, below: readonly string[], reading: Reading): number {
  if (isMissing(cell)) return reading.kind === 'text' && cell !== '' ? -1 : 0
  const isText = readingOf([cell], 'decimal' in reading ? reading.decimal : '.').kind === 'text'
  if (reading.kind === 'text') return !isText || below.some(other => other.trim() === cell) ? -1 : 0.25
  if (isText) return 1
  return isYear(cell) && !below.some(isYear) ? 0 : -1
}

/** Years are the one kind of number that names columns. */
const isYear = (cell: string) => /^\s*(19|20)\d\d\s*$/.test(cell)

/** Trimmed; empty names numbered, repeated ones told apart. */
export function namesFrom(cells: readonly string[]): string[] {
  const taken = new Set<string>()
  return cells.map((cell, i) => {
    const base = cell.trim() || `column_${i + 1}`
    let name = base
    for (let n = 2; taken.has(name); n++) name = `${base}_${n}`
    taken.add(name)
    return name
  })
}

const column = (rows: readonly string[][], c: number): string[] => rows.map(row => row[c] ?? '')
