import { z } from 'zod'
import { manifest } from '../blobs/index.ts'
import { count } from './fields.ts'
import { KIND } from './kinds.ts'
import { sessionKind } from './layers.ts'
import { EPOCH, MAX_ROUNDS } from './limits.ts'

const checkpointContent = z.object({
  epoch: EPOCH,
  /** The last aggregated one; 0 before the first. */
  round: count(MAX_ROUNDS, 0),
  weights: manifest,
  /** The coordinator's own state, of its own format: what a new machine needs to go on. */
  state: manifest,
})
export type Checkpoint = z.infer<typeof checkpointContent>

/** J → J, `d`: the job's id. */
export const checkpoint = sessionKind({
  name: 'checkpoint',
  kind: KIND.CHECKPOINT,
  schema: checkpointContent,
  addressable: true,
})
