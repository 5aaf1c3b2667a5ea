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
