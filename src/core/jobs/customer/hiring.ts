import type { Seconds } from '../../../shared/units.ts'
import { sats, seconds } from '../../../shared/units.ts'
import type { Award } from '../../market/index.ts'
import type { CustomerEffect } from './log.ts'
import type { CustomerJob, Engagement, Plan, StandingBid } from './state.ts'
import { awardTimes } from './times.ts'

export type Ask = (effect: CustomerEffect) => void

/** How many standing bids are kept; the best ones stay. */
export const mostBids = 256

/** Reasons after which a provider may come back with a new bid: it paused, was cut off, or its round could not be sent. */
const forgiven = new Set(['pause', 'silent', 'lapsed'])

/** How often one slot is filled anew before the job makes do without it. */
const mostHiresPerSlot = 20

/** Cheapest first; at equal price the one known longer, then the faster. */
export function rank(a: StandingBid, b: StandingBid): number {
  return (
    a.bid.perRound - b.bid.perRound ||
    b.known - a.known ||
    a.bid.secondsPerRound - b.bid.secondsPerRound ||
    (a.id < b.id ? -1 : 1)
  )
}

/** Why a bid cannot be taken now, or undefined when it can. One identity, one slot a job, and none twice after it left badly. */
export function unfit(job: CustomerJob, plan: Plan, { bid, provider }: StandingBid): string | undefined {
  if (bid.validUntil <= job.clock) return 'expired'
  if (bid.perRound > plan.maxPerRound)
    return `asks ${bid.perRound} sats a round, more than ${plan.maxPerRound}`
  if (!bid.mints.includes(plan.mint)) return 'shares no mint with this job'
  // Its lock would lie for as long, and its round keep the others waiting.
  if (job.clock + awardTimes(plan, bid).deadline > plan.deadline)
    return `needs ${bid.secondsPerRound} s a round, longer than this job has`
  for (const engagement of Object.values(job.engagements)) {
    if (engagement.bid.bid.key === bid.key) return 'was taken already'
    if (engagement.bid.provider !== provider) continue
    if (engagement.status !== 'gone') return 'is engaged already'
    if (forgiven.has(engagement.gone?.code ?? '')) continue
    return `left this job (${engagement.gone?.code ?? 'gone'})`
  }
  return undefined
}

/** Gives each vacant slot to the best standing bid. */
export function hire(job: CustomerJob, plan: Plan, ask: Ask): void {
  const { announcedAt } = job
  if (announcedAt === undefined || job.stopping || job.strapped !== undefined) return
  const enough = job.bids.filter(bid => unfit(job, plan, bid) === undefined).length >= vacancies(job).length
  const firstHiring = Object.keys(job.engagements).length === 0
  // The first awards wait until there is something to choose from, half of the time if every slot can be filled.
  const patience = enough ? plan.times.hiring / 2 : plan.times.hiring
  if (firstHiring && job.clock < announcedAt + patience) return
  for (const index of vacancies(job)) {
    const slot = job.slots[index]!
    const best = job.bids.filter(bid => unfit(job, plan, bid) === undefined).sort(rank)[0]
    if (!best || slot.hired >= mostHiresPerSlot) continue
    const key = `${index}.${slot.hired}`
    slot.hired += 1
    slot.engagement = key
    job.engagements[key] = {
      key,
      slot: index,
      bid: best,
      status: 'awarding',
      heardAt: job.clock,
      works: [],
    }
    ask({ id: `award:${key}`, type: 'award', key })
  }
}

/** Seconds after which a call that nobody answered is repeated: as long as our providers' bids stand. */
const callsLast = 3600

/**
 * Providers answer open jobs only, and each announcement once: with a slot to fill and no bid that fits, the job is
 * announced as open again, once for every hire that failed, when it is taken up after a pause, and every hour for those
 * who were busy, or not there yet.
 */
export function callAgain(job: CustomerJob, plan: Plan, ask: Ask): void {
  if (job.announcedAt === undefined || job.stopping || job.strapped !== undefined) return
  if (vacancies(job).length === 0) return
  if (job.bids.some(bid => unfit(job, plan, bid) === undefined)) return
  const hired = Object.keys(job.engagements).length
  if (hired === job.calledWith && job.clock < callAgainAt(job)) return
  job.calledWith = hired
  job.calledAt = job.clock
  job.calls += 1
  ask({ id: `announce:${job.epoch}:open:${job.calls}`, type: 'announce', status: 'open' })
}

export const callAgainAt = (job: CustomerJob): Seconds => seconds(job.calledAt + callsLast)

export const vacancies = (job: CustomerJob): number[] =>
  job.slots.flatMap((slot, index) => {
    const engagement = slot.engagement === undefined ? undefined : job.engagements[slot.engagement]
    return !engagement || engagement.status === 'gone' ? [index] : []
  })

/** Ends an engagement. Its open works are settled by the rules of docs/protocol.md. */
export function dismiss(engagement: Engagement, code: string, reason: string, ask: Ask): void {
  if (engagement.status === 'gone') return
  const told = engagement.award !== undefined
  engagement.status = 'gone'
  engagement.gone = { code, reason, told }
  // Who left by its own word needs no answer; whoever may still be listening is told.
  if (told) ask({ id: `leave:${engagement.key}`, type: 'leave', key: engagement.key })
}

/** When the engagement's silence ends it, if it is at work. */
export function silentAt(job: CustomerJob, engagement: Engagement, plan: Plan): Seconds | undefined {
  const { times } = plan
  const listening = (patience: number): number => job.listeningSince + patience
  if (engagement.status === 'asked')
    return engagement.answerBy && seconds(Math.max(engagement.answerBy, listening(times.answer)))
  if (engagement.status !== 'accepted') return undefined
  const work = engagement.works.at(-1)
  if (work?.status !== 'sent' || !work.times || work.sentAt === undefined) return undefined
  const begun = engagement.heardAt > work.sentAt
  const next = begun ? engagement.heardAt + times.heartbeat : work.times.startBy
  return seconds(Math.min(Math.max(next, listening(times.heartbeat)), work.times.deadline))
}

/** Steps of the job before a round: full ones, whatever a stranger's short first round was. */
export const stepsBefore = (plan: Plan, round: number): number => (round - 1) * plan.steps

/** Rounds still to come for a provider hired at `from`: a stranger's first one is short and grows to full ones. */
export function scheduleOf(plan: Plan, bid: StandingBid, from: number): Award['rounds'] {
  return Array.from({ length: plan.rounds - from + 1 }, (_, i) => {
    const share = i === 0 && bid.known === 0 ? plan.strangers : 1
    return {
      round: from + i,
      first: stepsBefore(plan, from + i),
      steps: Math.max(1, Math.ceil(plan.steps * share)),
      price: sats(Math.max(1, Math.ceil(bid.bid.perRound * share))),
    }
  })
}
