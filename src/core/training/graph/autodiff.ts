import type { Graph, Node } from './graph.ts'
import { add } from './ops/arithmetic.ts'
import { zerosLike } from './ops/fill.ts'
import { show, type Value } from './value.ts'

/**
 * Reverse-mode differentiation: adds to the graph of `loss` the nodes that compute its gradient with respect to each
 * of `wrt`. The gradients are values like any other; those that nothing uses do not reach the file.
 * @param loss  a scalar
 * @throws TypeError when the loss depends on one of `wrt` through an operation without gradient, or not at all
 */
export function gradients(loss: Value, wrt: readonly Value[]): Value[] {
  if (loss.shape.length > 0) throw new TypeError(`a loss is a scalar, not ${show(loss.shape)}`)
  const { graph } = loss
  const found = new Map<Value, Value>([[loss, graph.scalar(loss.dtype, 1)]])
  const tape = dependents(visibleNodes(graph), wrt)
  for (const node of tape.reverse()) {
    for (const [operand, part] of slopesOf(node, found)) {
      const before = found.get(operand)
      found.set(operand, before ? add(before, part) : part)
    }
  }
  return wrt.map(value => {
    const gradient = found.get(value)
    if (!gradient) throw new TypeError(`the loss does not depend on "${value.name}"`)
    return gradient
  })
}

/** What a node's operands receive, given the gradients found for its results. */
function slopesOf(node: Node, found: Map<Value, Value>): [operand: Value, part: Value][] {
  const [y, ...others] = node.outputs
  const dothers = others.map(value => found.get(value))
  if (!y || !node.op || (!found.has(y) && dothers.every(d => d === undefined))) return []
  const { definition, attrs, operands = node.inputs } = node.op
  const { grad } = definition
  if (!grad) throw new TypeError(`${definition.onnx} has no gradient`)
  const parts = y.graph.scope(`grad/${y.name}`, () =>
    grad(found.get(y) ?? zerosLike(y), operands.map(remade), { y, attrs, others, dothers }),
  )
  return parts.flatMap((part, i) => {
    const operand = operands[i]
    return part && operand ? [[operand, part] as [Value, Value]] : []
  })
}

/** An operand for the way back. */
const remade = (operand: Value): Value => operand.producer?.op?.definition.again?.() ?? operand

/** The nodes made so far that a graph sees: its own after those of the graphs around it, in an order of computing. */
const visibleNodes = (graph: Graph): Node[] => [
  ...(graph.parent ? visibleNodes(graph.parent) : []),
  ...graph.nodes,
]

/** The nodes whose results depend on one of `values`. */
function dependents(nodes: readonly Node[], values: readonly Value[]): Node[] {
  const reached = new Set(values)
  return nodes.filter(node => {
    const depends = node.inputs.some(input => reached.has(input))
    if (depends) for (const output of node.outputs) reached.add(output)
    return depends
  })
}
