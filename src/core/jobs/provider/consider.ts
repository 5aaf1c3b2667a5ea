import { type Bytes, type Sats, type Seconds, sats, seconds } from '../../../shared/units.ts'
import type { Bid, Job } from '../../market/index.ts'
import { coordinateOf, type NostrEvent } from '../../nostr/index.ts'
import type { Manner } from './acts.ts'
import type { Candidate } from './state.ts'

/** What this machine offers. */
export interface Terms extends Manner {
  device: string
  flopsPerSecond: number
  price: { perPflop: Sats; minimum: Sats }
  maxDownload: Bytes
  strangers: number
  mints: string[]
  blossoms: string[]
  relays: string[]
  /** Least seconds between redeem_by and T. */
  leastLock: Seconds
  /** Publishes a receipt of every job that offers them. */
  receipts?: boolean
}

/** Bits of NIP-13 work that a bid may cost: some seconds. */
const mostWork = 20
/** How long a bid stands. */
const bidLife = 3600

interface Standing {
  terms: Terms
  /** The live offer that a bid stands on. */
  offer: Bid['offer']
  /** Rounds that this customer has paid this home before. */
  known: number
  now: Seconds
}

/** What this machine would bid, keys left open, or why it passes, in words. Never a bid on what does not fit. */
export function consider(
  event: NostrEvent,
  job: Job,
  { terms, offer, known, now }: Standing,
): Candidate | string {
  if (job.bidWork > mostWork) return `it asks ${job.bidWork} bits of work for a bid, more than ${mostWork}`
  const mints = job.mints.filter(mint => terms.mints.includes(mint))
  if (mints.length === 0) return 'no mint in common'
  const blossoms = job.blossoms.filter(server => terms.blossoms.includes(server))
  if (blossoms.length === 0) return 'no Blossom server in common'
  const relays = job.relays.filter(relay => terms.relays.includes(relay))
  if (relays.length === 0) return 'no relay in common'
  if (known === 0 && job.shardBytes > terms.maxDownload)
    return 'the shard is too large to download before a first payment'
  if (job.shardBytes * 2 + job.parameters * 16 > terms.memory)
    return 'the shard and the model do not fit in this machine’s memory'
  const perRound = sats(Math.max(terms.price.minimum, Math.ceil(job.pflopPerRound * terms.price.perPflop)))
  if (perRound > job.maxPerRound)
    return `it pays at most ${job.maxPerRound} sats a round; this machine asks ${perRound}`
  return {
    customer: event.pubkey,
    job,
    coordinate: coordinateOf(event),
    version: event.id,
    bid: {
      job: coordinateOf(event),
      version: event.id,
      offer,
      key: '',
      payments: '',
      perRound,
      secondsPerRound: seconds(Math.max(1, Math.ceil((job.pflopPerRound * 1e15) / terms.flopsPerSecond))),
      mints,
      ...(terms.receipts && job.receipts ? { receipts: true } : {}),
      validUntil: seconds(Math.min(job.deadline, now + bidLife)),
    },
    known,
    strangers: terms.strangers,
    relays,
    blossoms,
    leastLock: terms.leastLock,
  }
}
