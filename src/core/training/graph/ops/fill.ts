import type { Graph } from '../graph.ts'
import { type DType, fixed, type Shape, type Value } from '../value.ts'

/** A tensor of zeros, made when the graph runs: nothing of it is in the file. */
export function zeros(graph: Graph, dtype: DType, shape: Shape): Value {
  const size = graph.constant('i64', [shape.length], fixed(shape), 'shape')
  const attributes = { value: { dtype, shape: [1], data: [0] } }
  return graph.node({ type: 'ConstantOfShape', inputs: [size], attributes, outputs: [{ dtype, shape }] })[0]!
}

export const zerosLike = ({ graph, dtype, shape }: Value): Value => zeros(graph, dtype, shape)
