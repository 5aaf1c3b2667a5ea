import { type Attributes, count, ELEMENT, type Graph, gather, reshape, type Value } from '../graph/index.ts'

/** How the matrices of a frozen base are kept: 4, 2 or 1 byte a number. Vectors are always f32. */
export const PRECISIONS = ['f32', 'f16', 'i8'] as const
export type Precision = (typeof PRECISIONS)[number]

/** A weight that is not trained, as it comes into a graph. */
export interface Frozen {
  /** f32, f16 or i8. */
  value: Value
  /** f32 `[rows]`, of i8: what 1 stands for in each row. */
  scale?: Value | undefined
}

/**
 * A frozen weight in f32, made in `graph` just before its use. Gradients make it anew: else the whole base would lie in
 * memory in f32 between the way forward and the way back.
 */
export function widened(graph: Graph, { value, scale }: Frozen): Value {
  if (value.dtype === 'f32') return value
  return scale ? dequantized(graph, value, scale, 0) : converted(graph, value, value)
}

// ONNX Runtime would make equal nodes one again, so those for the way back differ in what has no meaning.

/** The first axis of a matrix has two names. */
const dequantized = (graph: Graph, value: Value, scale: Value, axis: number): Value =>
  wide(graph, 'DequantizeLinear', [value, scale], { axis }, () =>
    dequantized(graph, value, scale, -value.shape.length),
  )

/** The same numbers in a row, which is no copy, are another value. */
const converted = (graph: Graph, value: Value, narrow: Value): Value =>
  wide(graph, 'Cast', [narrow], { to: ELEMENT.f32 }, () =>
    reshape(converted(graph, value, reshape(value, [count(value.shape)])), value.shape),
  )

function wide(
  graph: Graph,
  onnx: string,
  inputs: Value[],
  attributes: Attributes,
  again: () => Value,
): Value {
  const [made] = graph.node({
    type: onnx,
    inputs,
    attributes,
    outputs: [{ dtype: 'f32', shape: inputs[0]!.shape }], // of the same size as the weight
    op: { definition: { onnx, again }, attrs: {} },
  })
  return made! // one output
}

/** Rows of a frozen weight in f32, by their numbers: only they are made wide. */
export function widenedRows(graph: Graph, { value, scale }: Frozen, indices: Value): Value {
  const which = reshape(indices, [count(indices.shape)])
  const rows = { value: gather(value, which), scale: scale && gather(scale, which) }
  return reshape(widened(graph, rows), [...indices.shape, ...value.shape.slice(1)])
}
