import { UserError } from '../../shared/errors.ts'
import { type Encoding, type Feature, nearNames, type Row, valuesOf } from '../datasets/index.ts'
import { type Feeds, ort } from '../training/index.ts'
import type { ModelInput } from './config.ts'
import { imageShape } from './inputs.ts'

/** Values of one input of model.onnx, for all rows. */
export interface Column {
  input: ModelInput
  data: string[] | Float64Array | Uint8Array
}

/**
 * Rows as model.onnx takes them, one column for each input.
 * @throws UserError `models/wrong-input`, `models/missing-column`, `dataset/row-value` with row and column
 */
export function columnsOf(encoding: Encoding, inputs: readonly ModelInput[], rows: readonly Row[]): Column[] {
  if (encoding.kind !== 'table') throw wrongInput('images', 'a table')
  checkColumns(encoding.features, rows)
  return encoding.features.map((feature, i) => {
    const data = feature.kind === 'categorical' ? textsOf(feature, rows) : valuesOf(feature, rows)
    return { input: inputs[i]!, data } // one input for each feature, in their order
  })
}

/**
 * Images one after another as model.onnx takes them, bytes as `imageShape` says.
 * @throws UserError `models/wrong-input`; RangeError when they are not whole images
 */
export function imageColumn(
  inputs: readonly ModelInput[],
  pixels: Uint8Array,
): { column: Column; count: number } {
  const input = inputs[0]
  if (input?.kind !== 'image') throw wrongInput('a table', 'images')
  const count = pixels.length / sizeOf(input)
  if (!Number.isInteger(count)) throw new RangeError(`${pixels.length} bytes are not whole images`)
  return { column: { input, data: pixels }, count }
}

/** The rows `from` to `to − 1` as one call of the engine. */
export function feedsOf(columns: readonly Column[], from: number, to: number): Feeds {
  return Object.fromEntries(columns.map(column => [column.input.name, tensorOf(column, from, to)]))
}

const sizeOf = ({ width, height, channels }: ModelInput & { kind: 'image' }): number =>
  width * height * channels

function tensorOf({ input, data }: Column, from: number, to: number): Feeds[string] {
  if (input.kind === 'image') {
    const size = sizeOf(input)
    const pixels = (data as Uint8Array).subarray(from * size, to * size) // of an image input always bytes
    return new ort.Tensor('uint8', pixels, imageShape(input, to - from))
  }
  const values = data.slice(from, to)
  const shape = [to - from, 1]
  if (Array.isArray(values)) return new ort.Tensor('string', values, shape)
  return input.type === 'float32'
    ? new ort.Tensor('float32', Float32Array.from(values), shape)
    : new ort.Tensor('float64', Float64Array.from(values), shape)
}

/** Trimmed, as when the values were fitted; '' is missing. */
const textsOf = ({ name }: Feature, rows: readonly Row[]): string[] =>
  rows.map(row => String(row[name] ?? '').trim())

/** Rows of JSONL leave out what they do not know: a column is missing when no row has it. */
function checkColumns(features: readonly Feature[], rows: readonly Row[]): void {
  const given = new Set(rows.flatMap(row => Object.keys(row)))
  const missing = features.map(({ name }) => name).filter(name => !given.has(name))
  if (missing.length === 0) return
  const spare = [...given].filter(name => !features.some(feature => feature.name === name))
  const hints = missing.slice(0, 5).flatMap(name => {
    const near = nearNames(name, spare)
    return near.length > 0 ? [`Is ${near.map(quote).join(' or ')} what the model calls ${quote(name)}?`] : []
  })
  const names = `${missing.slice(0, 10).map(quote).join(', ')}${missing.length > 10 ? ', …' : ''}`
  throw new UserError('models/missing-column', {
    message: `The model needs ${missing.length === 1 ? 'a column' : `${missing.length} columns`} that the rows do not have: ${names}.`,
    fix: [
      ...hints,
      'Name the columns as in the training data; where a value is not known, leave its cell empty.',
    ].join(' '),
  })
}

const wrongInput = (takes: string, given: string): UserError =>
  new UserError('models/wrong-input', {
    message: `This model takes ${takes}, not ${given}.`,
    fix: 'Its README.md says what it was trained on. Give data of the same kind.',
  })

const quote = (name: string): string => JSON.stringify(name)
