import { type Bytes, bytes, type Flops, flops } from '../../../shared/units.ts'
import { Graph, liveNodes } from './graph.ts'
import { count, type Value } from './value.ts'

/** Floating-point operations of one run: the matrix products of the nodes that run. A loop counts as one step. */
export function flopsOf(graph: Graph): Flops {
  const total = liveNodes(graph).reduce((sum, node) => {
    const own = node.op?.definition.flops?.(node.inputs, node.op.attrs) ?? 0
    const bodies = Object.values(node.attributes).filter(a => a instanceof Graph)
    return sum + own + bodies.reduce((inner, body) => inner + flopsOf(body), 0)
  }, 0)
  return flops(total)
}

/** Bytes of everything the loop bodies of a graph compute in one step, as if no memory were used twice. */
export function workingSet(graph: Graph): Bytes {
  const bodies = graph.nodes.flatMap(node => Object.values(node.attributes).filter(a => a instanceof Graph))
  const results = bodies.flatMap(body => liveNodes(body).flatMap(node => node.outputs))
  return bytes(results.reduce((sum, value) => sum + bytesOf(value), 0))
}

const WIDTH = { f32: 4, f64: 8, f16: 2, u8: 1, i8: 1, i32: 4, i64: 8, bool: 1, string: 0 }
const bytesOf = (value: Value): number => count(value.shape) * WIDTH[value.dtype]
