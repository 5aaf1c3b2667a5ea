import { type DType, encodeModel, Graph } from './graph/index.ts'
import { type Feeds, openSession, runSession, type SessionOptions } from './session.ts'

/** A tensor as a graph's input declares it. */
export interface Declared {
  name: string
  dtype: DType
  shape: readonly number[]
}

/**
 * Moves tensors into a graphics card's memory, or back. ONNX Runtime's binding for Node.js can keep results there but
 * has no call that copies them, so a graph whose results are its inputs does it.
 * @throws UserError `training/engine`, `training/memory`, `training/device-lost`
 */
export async function transfer(
  tensors: readonly Declared[],
  feeds: Feeds,
  to: 'device' | 'memory',
  options: SessionOptions,
): Promise<Feeds> {
  const graph = new Graph()
  for (const { name, dtype, shape } of tensors)
    graph.output(`${name}/moved`, graph.input(name, dtype, [...shape]))
  const onDevice = to === 'device' ? tensors.map(({ name }) => `${name}/moved`) : []
  const session = await openSession(encodeModel(graph), { ...options, onDevice })
  try {
    const moved = await runSession(session, feeds)
    return Object.fromEntries(Object.entries(moved).map(([name, t]) => [name.replace(/\/moved$/, ''), t]))
  } finally {
    await session.release()
  }
}
