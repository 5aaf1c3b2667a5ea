import { z } from 'zod'
import { ENGINES } from '../../training/index.ts'

/** What the inputs and outputs of several tasks have. */

export const path = z.string().min(1)
export const count = z.int().positive()
export const seed = z.int().nonnegative()
/** Threads of the engine; without it, the cores. */
export const threads = count.optional()
export const engine = z.enum(ENGINES)
/** A change of engine, or of the rows it takes at a time, that a failure forced in mid-run, and why. */
export const fallback = z.object({ engine, microBatch: count, step: z.int(), reason: z.string() })
// Made by our own worker from the room's own type: a second, written-out schema would only repeat it.
export const made = <T>() => z.custom<T>(value => typeof value === 'object' && value !== null)
export const file = z.object({ sha256: z.string(), size: z.number() })
/** How far a training run is. `loss`: of the newest step. */
export const trainingProgress = z.object({
  step: z.int(),
  steps: z.int(),
  loss: z.number(),
  secondsLeft: z.number(),
  fallback: fallback.optional(),
})
