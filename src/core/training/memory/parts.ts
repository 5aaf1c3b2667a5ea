import type { EngineName } from '../engine.ts'
import { microBatchOf } from '../fallback.ts'
import type { TrainingSpec } from '../spec.ts'
import { RUNTIME, trainingMemory } from './estimate.ts'

/** Memory that a run may take, in bytes. */
export interface Room {
  /** With all that its process takes before it begins. */
  process: number
  /** Of the graphics card; null where nobody knows: then it is tried. */
  card: number | null
}

/** Answers for the newest questions: one takes a graph, up to a second of the thread, and a provider asks in every round. */
const remembered = new Map<string, number | undefined>()
const mostRemembered = 64

/**
 * Rows that go through the model at a time so that a run fits: the batch in the fewest equal parts, whose gradients are the
 * same. Undefined where not even one row at a time does.
 */
export function microBatchFor(
  spec: TrainingSpec,
  rows: number,
  room: Room,
  engine: EngineName = 'cpu',
): number | undefined {
  const question = JSON.stringify([spec, rows, room, engine])
  if (!remembered.has(question)) {
    const answer = fewestParts(spec, rows, room, engine)
    const [oldest] = remembered.keys()
    if (remembered.size >= mostRemembered && oldest !== undefined) remembered.delete(oldest)
    remembered.set(question, answer)
  }
  return remembered.get(question)
}

function fewestParts(spec: TrainingSpec, rows: number, room: Room, engine: EngineName): number | undefined {
  // TensorFlow.js takes whole batches only.
  const least = engine === 'tfjs' ? spec.batch : 1
  for (let most = spec.batch; most >= least; ) {
    const microBatch = microBatchOf(spec.batch, most)
    const { process, card } = trainingMemory(spec, rows, { engine, microBatch })
    if (RUNTIME + process <= room.process && card <= (room.card ?? card)) return microBatch
    most = microBatch - 1
  }
  return undefined
}
