import type { Node } from './graph.ts'
import { add } from './ops/arithmetic.ts'
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
  const tape = dependents(graph.nodes, wrt)
  for (const node of tape.reverse()) {
    const [y] = node.outputs
    const dy = y && found.get(y)
    if (!dy || !node.op) continue
    const { definition, attrs } = node.op
    if (!definition.grad) throw new TypeError(`${definition.onnx} has no gradient`)
    const parts = graph.scope(`grad/${y.name}`, () => definition.grad?.(dy, node.inputs, { y, attrs }))
    for (const [i, part] of (parts ?? []).entries()) {
      const operand = node.inputs[i]
      if (!part || !operand) continue
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

/** The nodes whose results depend on one of `values`. */
function dependents(nodes: readonly Node[], values: readonly Value[]): Node[] {
  const reached = new Set(values)
  return nodes.filter(node => {
    const depends = node.inputs.some(input => reached.has(input))
    if (depends) for (const output of node.outputs) reached.add(output)
    return depends
  })
}
