import {
  channelsOf,
  type Encoding,
  type Feature,
  type ImageEncoding,
  type TableEncoding,
} from '../datasets/index.ts'
import type { ColumnInput, ModelInput } from './config.ts'

/** Names of model.onnx's outputs, which no input may have. */
const OUTPUTS = ['label', 'probabilities']
/** A standardised value may be wrong by so much. */
const TOLERANCE = 1e-4

/** The inputs of model.onnx. */
export function modelInputs(encoding: Encoding): ModelInput[] {
  return encoding.kind === 'table' ? inputsFor(encoding) : [imageInput(encoding)]
}

export function imageInput(encoding: ImageEncoding): ModelInput & { kind: 'image' } {
  const { width, height } = encoding
  const channels = channelsOf(encoding)
  const values = channels === 1 ? 'Grey values' : 'Red, green and blue'
  const meaning = `${values} from 0 to 255, rows of pixels from top to bottom.`
  return { kind: 'image', name: 'image', type: 'uint8', width, height, channels, meaning }
}

/** Shape of an image input of model.onnx. @param rows  how many, or their name */
export const imageShape = <R extends number | string>(
  { width, height, channels }: ModelInput & { kind: 'image' },
  rows: R,
): (R | number)[] => [rows, height, width, ...(channels === 1 ? [] : [channels])]

/** One input for each feature, in their order. */
export function inputsFor({ features }: TableEncoding): ColumnInput[] {
  const taken = new Set([...OUTPUTS, ...features.map(feature => feature.name)])
  return features.map(feature => inputFor(feature, inputName(feature.name, taken)))
}

function inputName(column: string, taken: Set<string>): string {
  // '' means "no input" in ONNX.
  if (column !== '' && !OUTPUTS.includes(column)) return column
  let name = `${column}_column`
  while (taken.has(name)) name += '_'
  taken.add(name)
  return name
}

function inputFor(feature: Feature, name: string): ColumnInput {
  const column = { name, column: feature.name }
  switch (feature.kind) {
    case 'numeric': {
      const meaning = `A number. NaN when missing: it then counts as ${short(feature.fill)}.`
      return { kind: 'number', ...column, type: precision(feature), example: short(feature.fill), meaning }
    }
    case 'categorical':
      return {
        kind: 'text',
        ...column,
        type: 'string',
        values: feature.values,
        meaning: `One of ${feature.values.length} texts: ${shown(feature.values)}. Anything else, '' too, counts as "other or missing".`,
      }
    case 'date':
      return {
        kind: 'date',
        ...column,
        type: 'float64',
        example: Math.round(feature.mean),
        meaning: `A date as days since 1970-01-01${feature.time ? ', the time as a fraction of a day' : ''}. NaN when missing.`,
      }
  }
}

/** float32, as exporters of scikit-learn have it, unless the column needs more: seconds since 1970 do. */
function precision({ mean, scale }: { mean: number; scale: number }): 'float32' | 'float64' {
  const rounding = (Math.abs(mean) + 4 * scale) * 2 ** -24
  return rounding / scale > TOLERANCE ? 'float64' : 'float32'
}

/** For people; the graph holds the number itself. */
const short = (n: number): number => Number(n.toPrecision(6))

function shown(values: readonly string[]): string {
  const quoted = values.slice(0, 8).map(value => JSON.stringify(value))
  return values.length > 8 ? `${quoted.join(', ')}, …` : quoted.join(', ')
}
