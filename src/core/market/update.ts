import { z } from 'zod'
import { manifest } from '../blobs/index.ts'
import { finite, hex32 } from './fields.ts'
import { KIND } from './kinds.ts'
import { sessionKind } from './layers.ts'
import { parent, ROUND, STEPS } from './limits.ts'

const updateContent = z.object({
  award: hex32,
  round: ROUND,
  /** Weights after training minus weights before, tensor by tensor. */
  update: manifest,
  /** Training losses, evenly spaced over the steps: shown, never used. */
  losses: z.array(finite).max(512),
  /** SHA-256 of the provider's checkpoints, in order: what a replay is compared with. */
  checkpoints: z.array(hex32).max(64),
  /** Done. */
  steps: STEPS,
  parent,
})
export type Update = z.infer<typeof updateContent>

/** P → J: what the training made. */
export const update = sessionKind({ name: 'update', kind: KIND.UPDATE, schema: updateContent })
