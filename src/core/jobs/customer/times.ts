import { createHash, type Hash } from 'node:crypto'
import { type Seconds, seconds } from '../../../shared/units.ts'
import type { Award, Bid, Round } from '../../market/index.ts'
import type { Plan } from './state.ts'

/** A provider may take this many times what it promised before its round is given up. */
const patience = 3
/** From making a lock to sending its round: added to T, so that T stays far enough from redeem_by. */
const sending = 300

/** The award's times: seconds after a round's event. docs/protocol.md: start < deadline < release < redeem < T. */
export function awardTimes({ times }: Plan, bid: Bid): Award['times'] {
  const deadline = Math.max(times.round, Math.ceil(bid.secondsPerRound * patience) + times.start)
  const release = deadline + times.release
  const redeem = release + times.redeem
  return {
    start: times.start,
    deadline: seconds(deadline),
    release: seconds(release),
    redeem: seconds(redeem),
    lock: seconds(redeem + times.lock),
  }
}

/** T of a lock that is made now. */
export const locktimeOf = (plan: Plan, bid: Bid, now: Seconds): Seconds =>
  seconds(now + awardTimes(plan, bid).lock + Math.min(sending, plan.times.lock))

/** Unix times of a round that is sent now, under a lock that was made a moment ago. */
export function roundTimes(plan: Plan, bid: Bid, now: Seconds, locktime: Seconds): Round['times'] {
  const { start, deadline, release, redeem } = awardTimes(plan, bid)
  const at = (after: number): Seconds => seconds(now + after)
  return {
    startBy: at(start),
    deadline: at(deadline),
    releaseBy: at(release),
    redeemBy: at(redeem),
    locktime,
  }
}

/**
 * The seed of one engagement's batches, which every replay of the job finds again. Not of its slot: whoever takes the
 * place of a silent provider would make the very same update, and pass for its copy.
 */
export const seedOf = (plan: Plan, round: number, engagement: string): number =>
  firstWord(createHash('sha256').update(`${plan.seed}:${round}:${engagement}`))

/** The seed of a round's samples: of J's secret, for a provider could find a plan's seed by trying them all. */
export const sampleSeed = (secret: Uint8Array, round: number): number =>
  firstWord(createHash('sha256').update(secret).update(`:${round}:sample`))

/** The seed of the job's sketches, which every machine that goes on with it finds again, and no provider can know. */
export const sketchSeed = (secret: Uint8Array): number =>
  firstWord(createHash('sha256').update(secret).update(':sketch'))

const firstWord = (hash: Hash): number => hash.digest().readUInt32BE(0)

/** Whether a round sent with these times would be refused: T must stay as far behind redeem_by as the award says. */
export function isTooLate(plan: Plan, bid: Bid, { redeemBy, locktime }: Round['times']): boolean {
  const { redeem, lock } = awardTimes(plan, bid)
  return locktime - redeemBy < lock - redeem
}
