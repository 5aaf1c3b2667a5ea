import { type DType, encodeModel, Graph } from './graph/index.ts'
import { type Feeds, openSession, runSession, type Session, type SessionOptions } from './session.ts'

/** A tensor as a graph's input declares it. */
export interface Declared {
  name: string
  dtype: DType
  shape: readonly number[]
}

/** Tensors in a graphics card's memory. */
export interface OnDevice {
  tensors: Feeds
  /** Gives their memory back. */
  release(): Promise<void>
}

// ONNX Runtime's binding for Node.js can keep results in a graphics card's memory but has no call that copies them, so a
// graph whose results are its inputs does it.

/**
 * Copies tensors into a graphics card's memory.
 * @throws UserError `training/engine`, `training/memory`, `training/device-lost`
 */
export async function toDevice(
  declared: readonly Declared[],
  feeds: Feeds,
  options: SessionOptions,
): Promise<OnDevice> {
  const session = await openCopy(declared, { ...options, onDevice: declared.map(moved) })
  try {
    const tensors = await copied(session, feeds)
    // The memory is the session's: it must be open as long as they are, or the process crashes.
    const release = async () => {
      for (const tensor of Object.values(tensors)) tensor.dispose()
      await session.release()
    }
    return { tensors, release }
  } catch (error) {
    await session.release()
    throw error
  }
}

/**
 * Copies tensors out of a graphics card's memory.
 * @throws UserError `training/engine`, `training/memory`, `training/device-lost`
 */
export async function toMemory(
  declared: readonly Declared[],
  feeds: Feeds,
  options: SessionOptions,
): Promise<Feeds> {
  const session = await openCopy(declared, options)
  try {
    return await copied(session, feeds)
  } finally {
    await session.release()
  }
}

const moved = ({ name }: { name: string }): string => `${name}/moved`

function openCopy(declared: readonly Declared[], options: SessionOptions): Promise<Session> {
  const graph = new Graph()
  for (const { name, dtype, shape } of declared)
    graph.output(moved({ name }), graph.input(name, dtype, [...shape]))
  return openSession(encodeModel(graph), options)
}

async function copied(session: Session, feeds: Feeds): Promise<Feeds> {
  const results = await runSession(session, feeds)
  return Object.fromEntries(
    Object.keys(feeds).flatMap(name => {
      const tensor = results[moved({ name })]
      return tensor ? [[name, tensor]] : []
    }),
  )
}
