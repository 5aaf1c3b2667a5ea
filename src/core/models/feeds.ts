import ort from 'onnxruntime-node'
import { UserError } from '../../shared/errors.ts'
import type { Feeds } from '../training/index.ts'
import type { ColumnInput, ModelConfig, ModelInput } from './config.ts'
import { nearNames } from './near-names.ts'

/** A row of a table by column names. Dates are days since 1970-01-01. */
export type Row = Readonly<Record<string, string | number | null>>

/** Images one after another, a byte for each pixel, rows of pixels from top to bottom. */
export interface Images {
  count: number
  width: number
  height: number
  pixels: Uint8Array
}

/**
 * Rows as model.onnx takes them: one tensor for each column.
 * @param first  number of the first row in its file
 * @throws UserError `models/wrong-input`, `models/missing-column`, `models/not-a-number`
 */
export function rowFeeds({ inputs }: ModelConfig, rows: readonly Row[], first: number): Feeds {
  const columns = inputs.filter(isColumn)
  if (columns.length < inputs.length) throw wrongInput('images', 'a table')
  // Rows of JSONL leave out what they do not know.
  checkColumns(columns, [...new Set(rows.flatMap(Object.keys))])
  return Object.fromEntries(columns.map(input => [input.name, columnTensor(input, rows, first)]))
}

/** @throws UserError `models/wrong-input`, `models/image-size` */
export function imageFeeds({ inputs }: ModelConfig, { count, width, height, pixels }: Images): Feeds {
  const input = inputs[0]
  if (input?.kind !== 'image') throw wrongInput('a table', 'images')
  if (width !== input.width || height !== input.height)
    throw new UserError('models/image-size', {
      message: `The images have ${width} × ${height} pixels; the model was trained on ${input.width} × ${input.height}.`,
      fix: `Scale the images to ${input.width} × ${input.height} pixels.`,
    })
  return { [input.name]: new ort.Tensor('uint8', pixels, [count, height, width]) }
}

const isColumn = (input: ModelInput): input is ColumnInput => input.kind !== 'image'

function checkColumns(columns: readonly ColumnInput[], given: readonly string[]): void {
  const missing = columns.map(input => input.column).filter(name => !given.includes(name))
  const [one] = missing
  if (one === undefined) return
  const spare = given.filter(name => !columns.some(input => input.column === name))
  const hints = missing.slice(0, 5).flatMap(name => {
    const near = nearNames(name, spare)
    return near.length > 0 ? [`Is ${near.map(quote).join(' or ')} what the model calls ${quote(name)}?`] : []
  })
  const names = `${missing.slice(0, 10).map(quote).join(', ')}${missing.length > 10 ? ', …' : ''}`
  throw new UserError('models/missing-column', {
    message: `The model needs ${missing.length === 1 ? 'a column' : `${missing.length} columns`} that the rows do not have: ${names}.`,
    fix: [
      ...hints,
      'Name the columns as in the training data; where a value is not known, leave its cells empty.',
    ].join(' '),
  })
}

function columnTensor(input: ColumnInput, rows: readonly Row[], first: number): ort.Tensor {
  const shape = [rows.length, 1]
  const cell = (row: Row) => (Object.hasOwn(row, input.column) ? (row[input.column] ?? null) : null)
  if (input.kind === 'text')
    return new ort.Tensor(
      'string',
      rows.map(row => textOf(cell(row))),
      shape,
    )
  const numbers = rows.map((row, i) => numberOf(cell(row), input, first + i))
  return input.type === 'float32'
    ? new ort.Tensor('float32', Float32Array.from(numbers), shape)
    : new ort.Tensor('float64', Float64Array.from(numbers), shape)
}

/** Trimmed, as when the values were fitted; '' is missing. */
const textOf = (value: string | number | null): string => (value === null ? '' : String(value).trim())

function numberOf(value: string | number | null, { kind, column }: ColumnInput, row: number): number {
  if (typeof value === 'number') return value
  const text = textOf(value)
  if (text === '') return Number.NaN
  const number = Number(text)
  if (!Number.isNaN(number)) return number
  throw new UserError('models/not-a-number', {
    message: `Row ${row}, column ${quote(column)}: ${quote(text.slice(0, 60))} is not a ${kind === 'date' ? 'date' : 'number'}.`,
    fix: 'Correct the cell, or leave it empty: the model then takes a usual value.',
  })
}

const wrongInput = (takes: string, given: string): UserError =>
  new UserError('models/wrong-input', {
    message: `This model takes ${takes}, not ${given}.`,
    fix: 'Its README.md says what it was trained on. Give data of the same kind.',
  })

const quote = (name: string): string => JSON.stringify(name)
