import { constantWeights, inputWeights } from '../forward.ts'
import { Graph, gather, reshape } from '../graph/index.ts'
import { cachedReading } from '../layers/reading.ts'
import { modelOf, type TextArchitecture } from '../models/index.ts'
import type { Tensors } from '../tensor.ts'

/** A layer's keys and values, each `[1, groups, room, d]`. */
export interface CachedLayer {
  layer: string
  groups: number
  d: number
}

export interface ReadingGraph {
  graph: Graph
  layers: CachedLayer[]
}

/**
 * The model as it reads `n` tokens of one text that go on from at most `room` before: the functions that training uses,
 * with another attention. Inputs: `tokens` i32 `[1, n]`, `last` i32 `[1]`, the parameters, and those of `cachedReading`.
 * Outputs: `logits` `[1, vocabulary]` of what follows token `last`, and with a cache `new/LAYER/keys`, `new/LAYER/values`
 * `[1, groups, n, d]`.
 * @param weights  constants of the graph instead of inputs, where they are given
 */
export function readingGraph(
  architecture: TextArchitecture,
  n: number,
  room: number,
  weights?: Tensors,
): ReadingGraph {
  // A file for others has ONNX's own operators alone.
  const graph = new Graph(undefined, { general: weights !== undefined })
  const tokens = graph.input('tokens', 'i32', [1, n])
  const last = graph.input('last', 'i32', [1])
  const { reading, remembered } = cachedReading(graph, n, room)
  const net = weights ? constantWeights(graph, architecture, weights) : inputWeights(graph, architecture)
  const logits = modelOf(architecture).forward(net, tokens, reading)
  graph.output('logits', gather(reshape(logits, [n, architecture.model.vocabulary]), last))
  if (room === 0) return { graph, layers: [] }
  const layers = remembered.map(({ layer, keys, values }) => {
    graph.output(`new/${layer}/keys`, keys)
    graph.output(`new/${layer}/values`, values)
    return { layer, groups: Number(keys.shape[1]), d: Number(keys.shape[3]) }
  })
  return { graph, layers }
}
