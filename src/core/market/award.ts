import { z } from 'zod'
import { jobSpec } from '../training/index.ts'
import {
  amount,
  coordinate,
  count,
  duration,
  fraction,
  hex32,
  httpAddress,
  increasing,
  pubkey,
  size,
  xpub,
} from './fields.ts'
import { KIND } from './kinds.ts'
import { handshakeKind } from './layers.ts'
import { EPOCH, MAX_ROUNDS, MAX_STEPS, ROUND, STEPS } from './limits.ts'

const awardContent = z.object({
  job: coordinate,
  /** Id of the job event in force. */
  version: hex32,
  epoch: EPOCH,
  /** Id of the bid: the inner event, not its wrap. */
  bid: hex32,
  /** J. */
  key: pubkey,
  /** xpub: the customer's lock key of round r is its child `0/r`, the refund key `1/r`. */
  payments: xpub,
  spec: jobSpec,
  shard: z.object({ rows: count(1e12), bytes: size }),
  mint: httpAddress,
  /**
   * What will be asked and paid, round by round, ascending. `first`: steps of the job before the round, which its learning
   * rate's schedule counts; none when left out.
   */
  rounds: z
    .array(
      z.object({
        round: ROUND,
        steps: STEPS,
        price: amount,
        first: count(MAX_ROUNDS * MAX_STEPS, 0).optional(),
      }),
    )
    .min(1)
    .max(MAX_ROUNDS)
    .refine(list => increasing(list.map(r => r.round)), 'expected ascending rounds'),
  /** Seconds after a round event's `created_at`. */
  times: z
    .object({ start: duration, deadline: duration, release: duration, redeem: duration, lock: duration })
    .refine(t => increasing([t.start, t.deadline, t.release, t.redeem, t.lock]), {
      message: 'expected start < deadline < release < redeem < lock',
    }),
  /** The part of the expected gain, on its own shard, that counts as work done. */
  rule: z.object({ rho: fraction }),
})
export type Award = z.infer<typeof awardContent>

/** Customer → P. */
export const award = handshakeKind({
  name: 'award',
  kind: KIND.AWARD,
  schema: awardContent,
  tags: content => [
    ['a', content.job],
    ['e', content.bid],
  ],
})
