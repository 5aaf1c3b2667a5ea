import type { Seconds } from '../../../shared/units.ts'
import type { Award, Round } from '../../market/index.ts'
import { flopsPerStep, parameterCount } from '../../training/index.ts'
import type { Candidate, Engagement } from './state.ts'

/** The part of a stranger's work that may exceed the announced size: rounding, nothing more. */
const tolerance = 1.02

/**
 * Why an award is not what was bid for, in words for the customer; undefined when it is. A provider believes its own
 * sums: FLOPs are recomputed from the spec.
 */
export function unacceptable(candidate: Candidate, award: Award): string | undefined {
  const { job, bid } = candidate
  if (award.job !== candidate.coordinate) return 'The award names another job.'
  if (award.key !== job.key) return 'The award’s session key is not the one that the job announced.'
  if (!bid.mints.includes(award.mint)) return `The award pays at ${award.mint}, which the bid does not name.`
  if (parameterCount(award.spec) > job.parameters)
    return `The model has ${parameterCount(award.spec)} parameters, more than the ${job.parameters} announced.`
  if (award.shard.bytes > job.shardBytes * tolerance)
    return `The shard has ${award.shard.bytes} bytes, more than the ${job.shardBytes} announced.`
  if (award.rounds.length === 0 || award.rounds.length > job.rounds)
    return 'The award’s rounds are not those announced.'
  const fullSteps = (job.pflopPerRound * 1e15) / flopsPerStep(award.spec)
  for (const { round, steps, price } of award.rounds) {
    if (steps > fullSteps * tolerance + 1)
      return `Round ${round} asks ${steps} steps, more than the ${Math.floor(fullSteps)} announced.`
    const fair = Math.ceil(bid.perRound * Math.min(1, steps / fullSteps)) - 1
    if (price < fair) return `Round ${round} pays ${price} sats for ${steps} steps; ${fair} were bid.`
  }
  const first = award.rounds[0]!
  if (candidate.known === 0 && first.steps > Math.ceil(fullSteps * candidate.strangers) + 1)
    return `A stranger’s first round may have ${Math.ceil(fullSteps * candidate.strangers)} steps here; the award asks ${first.steps}.`
  const { times } = award
  if (times.lock < times.redeem + candidate.leastLock)
    return `The lock ends ${times.lock - times.redeem} s after it must be redeemed; this provider asks ${candidate.leastLock} s.`
  return undefined
}

/** Seconds that may lie between reckoning a round's times and signing its event. */
const sealing = 5

/** Why a round is not what the award promised; undefined when it is. The lock itself is the wallet's to check. */
export function unsoundRound(
  engagement: Engagement,
  award: Award,
  round: Round,
  at: Seconds,
): string | undefined {
  const promised = award.rounds.find(r => r.round === round.round)
  if (!promised) return `Round ${round.round} is not in the award.`
  if (!engagement.shard && !round.shard) return 'The first round carries no shard.'
  // After a stranger's first round the award's later rounds are full ones, whatever was skipped in between.
  if (round.steps > promised.steps)
    return `Round ${round.round} asks ${round.steps} steps; the award says ${promised.steps}.`
  // Nor may a stranger skip the short round: until one is redeemed, every round is as short as the first.
  const short = award.rounds[0]!.steps
  const stranger = engagement.candidate?.known === 0 && !engagement.shares.some(s => s.redeemed)
  if (stranger && round.steps > short)
    return `Round ${round.round} asks ${round.steps} steps; before a first payment it is ${short}.`
  if (round.price < Math.floor((promised.price * round.steps) / promised.steps))
    return `Round ${round.round} pays ${round.price} sats; the award says ${promised.price}.`
  const { startBy, deadline, releaseBy, redeemBy, locktime } = round.times
  if (!(startBy < deadline && deadline < releaseBy && releaseBy < redeemBy && redeemBy < locktime))
    return 'The round’s times are not in order.'
  const { times } = award
  // Counted from the event itself: a deadline nobody can keep would make every work late.
  const early = [
    at + times.start - startBy,
    at + times.deadline - deadline,
    at + times.release - releaseBy,
    at + times.redeem - redeemBy,
  ].some(seconds => seconds > sealing)
  if (early) return 'The round’s times are shorter than the award says.'
  if (locktime - redeemBy < times.lock - times.redeem) return 'The lock ends earlier than the award says.'
  if (deadline <= engagement.clock) return 'The round’s deadline has passed already.'
  return undefined
}
