import { z } from 'zod'
import { MAX_WORK } from '../nostr/index.ts'
import { RECIPES } from '../training/index.ts'
import { amount, count, httpUrls, line, positive, pubkey, relayUrls, size, unixTime } from './fields.ts'
import { KIND } from './kinds.ts'
import { publicKind } from './layers.ts'
import { EPOCH, MAX_PROVIDERS, MAX_ROUNDS } from './limits.ts'

/** Longest life of a job's announcement: a quarter of a year. */
export const JOB_LIFE = 92 * 24 * 3600

const jobContent = z.object({
  title: line(100),
  task: z.enum(['classification', 'regression', 'language']),
  recipe: z.enum(RECIPES),
  /** Of the model. */
  parameters: count(2 ** 40),
  /** Of one shard. */
  rows: count(1e12),
  shardBytes: size,
  rounds: count(MAX_ROUNDS),
  providers: count(MAX_PROVIDERS),
  /** 10^15 floating-point operations, one provider, one full round. */
  pflopPerRound: positive(1e9),
  /** The most it pays one provider for a full round; never the budget. */
  maxPerRound: amount,
  deadline: unixTime,
  mints: httpUrls,
  blossoms: httpUrls,
  /** Where J reads: bids and updates go here. */
  relays: relayUrls,
  /** J. */
  key: pubkey,
  epoch: EPOCH,
  /** NIP-13 difficulty asked of a bid. */
  bidWork: count(MAX_WORK, 0),
  /** The customer publishes a receipt with every provider that agrees in its bid. */
  receipts: z.boolean().optional(),
  status: z.enum(['open', 'running', 'done', 'cancelled']),
})
export type Job = z.infer<typeof jobContent>

/** `d`: the job's id. Signed by the customer's identity. */
export const job = publicKind({
  name: 'job',
  kind: KIND.JOB,
  schema: jobContent,
  addressable: true,
  longest: JOB_LIFE,
})
