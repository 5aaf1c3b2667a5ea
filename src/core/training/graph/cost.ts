import { type Flops, flops } from '../../../shared/units.ts'
import { Graph, liveNodes } from './graph.ts'

/** Floating-point operations of one run: the matrix products of the nodes that run. A loop counts as one step. */
export function flopsOf(graph: Graph): Flops {
  const total = liveNodes(graph).reduce((sum, node) => {
    const own = node.op?.definition.flops?.(node.inputs, node.op.attrs) ?? 0
    const bodies = Object.values(node.attributes).filter(a => a instanceof Graph)
    return sum + own + bodies.reduce((inner, body) => inner + flopsOf(body), 0)
  }, 0)
  return flops(total)
}
