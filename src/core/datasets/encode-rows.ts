import { UserError } from '../../shared/errors.ts'
import { parseDate } from './cells/date.ts'
import { isMissing } from './cells/missing.ts'
import { parseNumber } from './cells/number.ts'
import { encodeFeature } from './encode.ts'
import {
  type DateFeature,
  type Feature,
  inputsOf,
  type NumericFeature,
  type TableEncoding,
} from './encoding.ts'
import type { Row } from './rows.ts'
import { widthOf } from './width.ts'

/**
 * Rows as the model's inputs, exactly as the shards were made. Columns the model does not know are passed over; a column
 * it knows may be missing in single rows, but not in all.
 * @returns [rows, inputs], row-major
 * @throws UserError `dataset/missing-column`, `dataset/row-value` with row and column
 */
export function encodeRows(encoding: TableEncoding, rows: readonly Row[]): Float32Array {
  refuseMissingColumns(encoding, rows)
  const width = inputsOf(encoding)
  const x = new Float32Array(rows.length * width)
  const place = Int32Array.from(rows, (_, i) => i)
  let offset = 0
  for (const feature of encoding.features) {
    const values = valuesOf(feature, rows)
    encodeFeature(feature, values, offset, { x, width, place })
    offset += widthOf(feature)
  }
  return x
}

function refuseMissingColumns({ features, target }: TableEncoding, rows: readonly Row[]): void {
  const present = new Set(rows.flatMap(row => Object.keys(row)))
  const absent = features.map(({ name }) => name).filter(name => !present.has(name))
  if (rows.length === 0 || absent.length === 0) return
  const names = absent.map(name => `"${name}"`).join(', ')
  throw new UserError('dataset/missing-column', {
    message: `The model needs ${absent.length === 1 ? 'a column that is' : `${absent.length} columns that are`} not there: ${names}.`,
    fix: `Give a table with the columns the model was trained on: ${features.map(({ name }) => name).join(', ')} ("${target.name}" is what it predicts).`,
  })
}

/**
 * One feature's cells as numbers, NaN for missing ones: as they are, dates as days since 1970, categories as their place
 * among the feature's values (−1: another or none).
 * @throws UserError `dataset/row-value`
 */
export function valuesOf(feature: Feature, rows: readonly Row[]): Float64Array {
  if (feature.kind === 'categorical') {
    const places = new Map(feature.values.map((value, i) => [value, i]))
    return Float64Array.from(rows, row => places.get(String(row[feature.name] ?? '').trim()) ?? -1)
  }
  const read = feature.kind === 'numeric' ? numberIn : dateIn
  return Float64Array.from(rows, (row, i) => {
    const cell = row[feature.name] ?? null
    if (cell === null || (typeof cell === 'string' && isMissing(cell.trim())) || Number.isNaN(cell))
      return Number.NaN
    const value = read(cell, feature as NumericFeature & DateFeature) // `read` was chosen by the feature's kind
    if (value === undefined || !Number.isFinite(value)) refuse(feature, cell, i)
    return value
  })
}

const numberIn = (cell: string | number) => (typeof cell === 'number' ? cell : parseNumber(cell, '.'))

const dateIn = (cell: string | number, { layout }: DateFeature) =>
  typeof cell === 'number' ? undefined : (parseDate(cell.trim(), layout) ?? parseDate(cell.trim(), 'ymd'))

function refuse({ name, kind }: Feature, cell: string | number, row: number): never {
  throw new UserError('dataset/row-value', {
    message: `Row ${row + 1}, column "${name}": "${String(cell).slice(0, 60)}" is not a ${kind === 'date' ? 'date' : 'finite number'}.`,
    fix: `Give a ${kind === 'date' ? 'date as in the training data, or as 2024-12-31' : 'number'}, or leave the cell empty if it is unknown.`,
  })
}
