import { z } from 'zod'
import { count, duration, finite, hex32 } from './fields.ts'
import { KIND } from './kinds.ts'
import { sessionKind } from './layers.ts'
import { ROUND, STEPS } from './limits.ts'

const progressContent = z
  .object({
    award: hex32,
    round: ROUND,
    /** Steps done, of `steps`. */
    step: count(1_000_000_000, 0),
    steps: STEPS,
    /** The provider's own, on its shard: shown, never used. */
    loss: finite,
    secondsLeft: duration,
  })
  .refine(p => p.step <= p.steps, { message: 'expected step ≤ steps', path: ['step'] })
export type Progress = z.infer<typeof progressContent>

/** P → J, ephemeral: the heartbeat. */
export const progress = sessionKind({ name: 'progress', kind: KIND.PROGRESS, schema: progressContent })
