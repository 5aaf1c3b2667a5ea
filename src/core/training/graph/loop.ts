import { Graph } from './graph.ts'
import type { Dim, Value } from './value.ts'

export interface LoopBody {
  /** What the carried values become, in their order. */
  next: readonly Value[]
  /** Values of one step that the caller wants from every step. */
  collect: readonly Value[]
}

/**
 * ONNX's `Loop`: repeats `body` `steps` times, handing `carried` from one step to the next on the device.
 * @param steps  i64 scalar
 * @param names  for the carried and then the collected values inside the body and as results
 * @param label  before the names inside, which must differ from those of a loop around this one
 * @returns the carried values after the last step, and each collected value with a first axis of `rows`
 */
export function loop(
  steps: Value,
  carried: readonly { name: string; start: Value }[],
  collected: readonly string[],
  rows: Dim,
  body: (inner: Graph, step: Value, carried: Value[]) => LoopBody,
  label = '',
): { carried: Value[]; collected: Value[] } {
  const outer = steps.graph
  const inner = new Graph(outer)
  const step = inner.input(`${label}step`, 'i64', [])
  const going = inner.input(`${label}going`, 'bool', [])
  const inside = carried.map(({ name, start }) => inner.input(`${label}${name}`, start.dtype, start.shape))
  const { next, collect } = body(inner, step, inside)
  inner.output(`${label}going_on`, going)
  for (const [i, value] of next.entries()) inner.output(`${label}${carried[i]?.name}/next`, value)
  for (const [i, value] of collect.entries()) inner.output(`${label}${collected[i]}/each`, value)
  const results = outer.node({
    type: 'Loop',
    inputs: [steps, outer.constant('bool', [], [1], 'true'), ...carried.map(c => c.start)],
    attributes: { body: inner },
    outputs: [...next, ...collect.map(c => ({ dtype: c.dtype, shape: [rows, ...c.shape] }))],
  })
  return { carried: results.slice(0, next.length), collected: results.slice(next.length) }
}
