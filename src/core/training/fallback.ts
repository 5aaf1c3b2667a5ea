import { inShort, UserError } from '../../shared/errors.ts'
import { type EngineName, TITLES } from './engine.ts'

/** How a run computes. */
export interface Attempt {
  engine: EngineName
  microBatch: number
}

/** A change of engine or micro-batch in the middle of a run. */
export interface Fallback extends Attempt {
  /** The job's first step under it. */
  step: number
  /** What happened and what follows, in a sentence or two. */
  reason: string
}

/** Rows that go through the model at a time: the largest divisor of the batch that is at most `most`. */
export function microBatchOf(batch: number, most: number): number {
  for (let rows = Math.min(batch, Math.floor(most)); rows > 1; rows--) if (batch % rows === 0) return rows
  return 1
}

/**
 * What to try after a failure: half the rows at a time when memory ran out, as long as there are two; then the CPU.
 * Nothing when the CPU itself fails for another reason, or has no room for one row.
 */
export function nextAttempt(
  { engine, microBatch }: Attempt,
  error: unknown,
  batch: number,
): Attempt | undefined {
  if (!(error instanceof UserError)) return undefined
  // TensorFlow.js takes whole batches only.
  if (error.code === 'training/memory' && microBatch > 1 && engine !== 'tfjs')
    return { engine, microBatch: microBatchOf(batch, microBatch / 2) }
  const failed = ['training/memory', 'training/device-lost', 'training/engine'].includes(error.code)
  return failed && engine !== 'cpu' ? { engine: 'cpu', microBatch: batch } : undefined
}

/** Why a run goes on differently. */
export function reasonOf(before: Attempt, after: Attempt, error: unknown): string {
  const what = `${TITLES[before.engine]}: ${inShort(error)}.`
  return after.engine === before.engine
    ? `${what} It goes on with ${after.microBatch} rows at a time.`
    : `${what} It goes on on the ${TITLES[after.engine]}.`
}
