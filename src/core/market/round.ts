import { z } from 'zod'
import { manifest } from '../blobs/index.ts'
import { amount, coordinate, count, hex32, increasing, unixTime } from './fields.ts'
import { KIND } from './kinds.ts'
import { sessionKind } from './layers.ts'
import { EPOCH, ROUND, STEPS } from './limits.ts'

/** Cashu's serialised token (NUT-00), version 3 or 4; one with many proofs travels as a blob. */
const token = z
  .string()
  .max(16_384)
  .regex(/^cashu[AB][A-Za-z0-9_-]+={0,2}$/, 'expected a Cashu token')

const roundContent = z.object({
  job: coordinate,
  /** Id of the job event in force. */
  version: hex32,
  award: hex32,
  epoch: EPOCH,
  round: ROUND,
  /** The global weights to start from: one blob for all providers. */
  weights: manifest,
  /** In the first round: the provider's shard and its key. */
  shard: manifest.optional(),
  steps: STEPS,
  /** Of the batches' permutation. */
  seed: count(0xffff_ffff, 0),
  price: amount,
  /** Unix times: the award's, counted from this event's `created_at`. */
  times: z
    .object({
      startBy: unixTime,
      deadline: unixTime,
      releaseBy: unixTime,
      redeemBy: unixTime,
      locktime: unixTime,
    })
    .refine(t => increasing([t.startBy, t.deadline, t.releaseBy, t.redeemBy, t.locktime]), {
      message: 'expected startBy < deadline < releaseBy < redeemBy < locktime',
    }),
  /** The lock of this round's price (docs/protocol.md, payments). */
  token: z.union([token, manifest]),
})
export type Round = z.infer<typeof roundContent>

/** J → P: train, and here is the money, locked. */
export const round = sessionKind({ name: 'round', kind: KIND.ROUND, schema: roundContent })
