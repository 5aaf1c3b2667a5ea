import { count, type DType, type Graph, type Node, needs, type Value } from '../graph/index.ts'
import { executionOrder } from './order.ts'

/** One node of a graph's run, and what it does to memory. */
export interface Moment {
  node: Node
  /** Its results. */
  made: readonly Buffer[]
  /** Those that nobody needs after it. */
  dead: readonly Buffer[]
}

export interface Buffer {
  bytes: number
  /** Whether the graph hands it out: then it outlives the run. */
  output: boolean
}

/** What a run of the graph needs when: each result from its node until its last use. A reshaped value is the same memory. */
export function lifetimes(graph: Graph): Moment[] {
  const order = executionOrder(graph)
  const original = originals(graph, order)
  const last = lastUses(graph, order, original)
  const buffers = new Map<Value, Buffer>()
  return order.map((node, i) => {
    const results = node.outputs.filter(value => original(value) === value)
    const made = results.map(value => ({
      bytes: bytesOf(value),
      output: last.get(value) === Number.POSITIVE_INFINITY,
    }))
    for (const [j, buffer] of made.entries()) buffers.set(results[j]!, buffer)
    const used = new Set([...results, ...needs(node).map(original)])
    const dead = [...used].flatMap(value => {
      const buffer = buffers.get(value)
      return buffer && (last.get(value) ?? i) <= i ? [buffer] : []
    })
    return { node, made, dead }
  })
}

/** The value whose memory a value is. */
function originals(graph: Graph, order: readonly Node[]): (value: Value) => Value {
  const views = new Map<Value, Value>()
  for (const { type, inputs, outputs } of order) {
    const [from, to] = [inputs[0], outputs[0]]
    if (type === 'Reshape' && from && to && !graph.outputs.includes(to))
      views.set(to, views.get(from) ?? from)
  }
  return value => views.get(value) ?? value
}

/** The place of each value's last reader; infinity for what the graph hands out. */
function lastUses(
  graph: Graph,
  order: readonly Node[],
  original: (value: Value) => Value,
): Map<Value, number> {
  const last = new Map<Value, number>()
  for (const [i, node] of order.entries()) for (const value of needs(node)) last.set(original(value), i)
  for (const value of graph.outputs) last.set(original(value), Number.POSITIVE_INFINITY)
  return last
}

const WIDTH: Record<DType, number> = {
  ...{ f32: 4, f64: 8, f16: 2, u8: 1, i8: 1, i32: 4, i64: 8, bool: 1, string: 0 },
}

/** A size that is only known when the graph runs is that of its steps, a few numbers. */
const bytesOf = ({ dtype, shape }: Value): number =>
  WIDTH[dtype] * count(shape.filter(size => typeof size === 'number'))
