import {
  type Encoding,
  type Feature,
  type ImageEncoding,
  inputsOf,
  type TableEncoding,
} from '../../datasets/index.ts'
import {
  constantWeights,
  encodeModel,
  forward,
  Graph,
  type RowsSpec,
  type Tensors,
  transpose,
  type Value,
} from '../../training/index.ts'
import { imageInput, imageShape, inputsFor } from '../inputs.ts'
import { answerClass, answerNumber } from './answers.ts'
import { prepareNumber, prepareText, sideBySide } from './prepare-columns.ts'
import { prepareDate } from './prepare-date.ts'

/** The size of the first axis, known when the model runs. */
const ROWS = 'rows'

/**
 * The whole model as one ONNX file: raw values in, answers out. Inputs are those of `inputsFor`, outputs `label` and,
 * for classes, `probabilities`.
 */
export function modelGraph(spec: RowsSpec, encoding: Encoding, weights: Tensors): Uint8Array {
  const graph = new Graph(undefined, { general: true })
  const x = encoding.kind === 'table' ? columns(graph, encoding) : images(graph, encoding, spec)
  const y = forward(spec, x, constantWeights(graph, spec, weights))
  const { target } = encoding
  graph.scope('answer', () =>
    target.kind === 'class' ? answerClass(graph, target, y) : answerNumber(graph, target, y),
  )
  return encodeModel(graph)
}

const TYPES = { float32: 'f32', float64: 'f64', string: 'string' } as const

function columns(graph: Graph, encoding: TableEncoding): Value {
  // All inputs first: their names are the columns' own, and every later name steps aside for them.
  const inputs = inputsFor(encoding).map(input => graph.input(input.name, TYPES[input.type], [ROWS, 1]))
  return sideBySide(
    encoding.features.map((feature, i) => graph.scope(feature.name, () => prepare(feature, inputs[i]!))),
  )
}

function prepare(feature: Feature, x: Value): Value {
  switch (feature.kind) {
    case 'numeric':
      return prepareNumber(feature, x)
    case 'categorical':
      return prepareText(feature, x)
    case 'date':
      return prepareDate(feature, x)
  }
}

/**
 * `[rows, height, width]` u8, or of colours `[rows, height, width, 3]` → `[rows, inputs]`, still bytes: the model scales them
 * itself.
 */
function images(graph: Graph, encoding: ImageEncoding, spec: RowsSpec): Value {
  if (spec.input.dtype !== 'u8') throw new TypeError('images enter the model as bytes')
  const input = imageInput(encoding)
  const x = graph.input(input.name, 'u8', imageShape(input, ROWS))
  // The model learned from one colour after another.
  const planes = input.channels === 1 ? x : transpose(x, [0, 3, 1, 2])
  return graph.node({
    type: 'Flatten',
    inputs: [planes],
    attributes: { axis: 1 },
    outputs: [{ dtype: 'u8', shape: [ROWS, inputsOf(encoding)] }],
  })[0]!
}
