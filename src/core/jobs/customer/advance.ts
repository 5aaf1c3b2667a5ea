import { produce } from 'immer'
import { type Seconds, sats, seconds } from '../../../shared/units.ts'
import type { Entry, Machine } from '../machine.ts'
import { type Ask, dismiss, hire, silentAt, vacancies } from './hiring.ts'
import type { CustomerEffect, CustomerFact } from './log.ts'
import { closeRound, closesAt, engageInRound, judge, openRound, works } from './rounds.ts'
import {
  allWorks,
  type CustomerJob,
  type Engagement,
  emptyJob,
  ended,
  type Plan,
  type Work,
} from './state.ts'

/** How many standing bids are kept; the best ones stay. */
const mostBids = 256

/** The customer's side of one job. The same log gives the same state; a repeated wire event changes nothing. */
export const customerMachine: Machine<CustomerJob, CustomerFact, CustomerEffect> = {
  version: 1,
  initial: emptyJob,
  tick: { type: 'tick' },
  advance(state, entry) {
    const effects: CustomerEffect[] = []
    const ask: Ask = effect => void effects.push(effect)
    const next = produce(state, job => {
      job.clock = entry.at
      record(job, entry, ask)
      if (job.plan && !ended(job)) proceed(job, job.plan, ask)
      if (job.plan) settleLocks(job, ask)
    })
    return [next, effects]
  },
  wakeAt,
  over: job =>
    ended(job) &&
    allWorks(job).every(({ work }) => work.lock.status === 'none' || work.lock.status === 'settled'),
  abandoned,
}

const find = (job: CustomerJob, key: string, round: number): { engagement?: Engagement; work?: Work } => {
  const engagement = job.engagements[key]
  const work = engagement?.works.find(w => w.round === round)
  return { ...(engagement ? { engagement } : {}), ...(work ? { work } : {}) }
}

/** Only the session key that the bid named speaks for an engagement, and only about its own award. */
const speaking = (job: CustomerJob, from: string, award: string): Engagement | undefined =>
  Object.values(job.engagements).find(e => e.bid.bid.key === from && e.award === award)

/** Writes down what an entry says. What follows from it is `proceed`'s. */
function record(job: CustomerJob, { at, fact }: Entry<CustomerFact>, ask: Ask): void {
  switch (fact.type) {
    case 'planned':
      if (job.plan) return
      job.plan = fact.plan
      job.epoch = fact.epoch
      job.phase = 'hiring'
      job.round = 1
      job.slots = fact.plan.shards.map(() => ({ hired: 0 }))
      job.weights = [{ path: fact.plan.weights }]
      return ask({ id: `announce:${fact.epoch}:open`, type: 'announce', status: 'open' })
    case 'announced':
      job.announcedAt ??= at
      if (fact.status === 'open') job.version = fact.event
      job.relays = fact.relays
      return
    case 'announcement-refused':
      job.stopping ??= { code: 'failed', reason: fact.reason }
      return
    case 'bid':
      return recordBid(job, fact)
    case 'awarded':
      return withEngagement(job, fact.key, engagement => {
        engagement.award = fact.award
        engagement.answerBy = seconds(at + job.plan!.times.answer)
        if (engagement.status === 'awarding') engagement.status = 'asked'
      })
    case 'answer':
    case 'heard':
    case 'update':
    case 'leave':
      return recordWord(job, at, fact, ask)
    case 'superseded':
      if (fact.epoch <= job.epoch || ended(job)) return
      job.phase = 'fenced'
      job.end = {
        at,
        reason: `This job goes on elsewhere: it was restored on another machine (epoch ${fact.epoch}, here ${job.epoch}).`,
      }
      return
    case 'shard-ready':
      return withEngagement(job, fact.key, engagement => {
        engagement.shard = fact.manifest
      })
    case 'weights-ready': {
      const weights = job.weights[fact.round - 1]
      if (weights) weights.manifest = fact.manifest
      return
    }
    case 'aggregated':
      if (job.round !== fact.round) return
      job.aggregating = false
      delete job.roundOpenedAt
      job.weights[fact.round] = { path: fact.path, score: fact.score }
      ask({ id: `checkpoint:${fact.round}`, type: 'checkpoint', round: fact.round })
      job.round += 1
      return
    case 'exported':
      job.report = fact.report
      return finish(job, at, ask)
    case 'export-failed':
      job.stopping ??= { code: 'failed', reason: fact.reason }
      return finish(job, at, ask)
    case 'cancel':
      job.stopping ??= { code: 'cancelled', reason: 'You cancelled the job.' }
      return
    case 'told':
    case 'tick':
      return
    default:
      return recordOutcome(job, at, fact, ask)
  }
}

function recordBid(
  job: CustomerJob,
  { event, provider, bid, known }: Extract<CustomerFact, { type: 'bid' }>,
): void {
  if (job.bids.some(standing => standing.id === event)) return
  // A newer bid from the same identity and device takes the older one's place.
  job.bids = job.bids.filter(
    standing => standing.provider !== provider || standing.bid.offer.d !== bid.offer.d,
  )
  job.bids.push({ id: event, provider, bid, known })
  if (job.bids.length > mostBids)
    job.bids = job.bids.sort((a, b) => a.bid.perRound - b.bid.perRound).slice(0, mostBids)
}

/** What a provider says over its session. */
function recordWord(
  job: CustomerJob,
  at: Seconds,
  fact: Extract<CustomerFact, { type: 'answer' | 'heard' | 'update' | 'leave' }>,
  ask: Ask,
): void {
  if (fact.type === 'heard') {
    const engagement = Object.values(job.engagements).find(e => e.bid.bid.key === fact.from)
    if (engagement) engagement.heardAt = at
    return
  }
  const award =
    fact.type === 'answer' ? fact.answer.award : fact.type === 'update' ? fact.update.award : fact.leave.award
  const engagement = speaking(job, fact.from, award)
  if (!engagement) return
  engagement.heardAt = at
  if (fact.type === 'answer') {
    if (engagement.status !== 'asked') return
    if (!fact.answer.accept) return dismiss(engagement, 'declined', fact.answer.reason, ask)
    engagement.status = 'accepted'
    return ask({ id: `shard:${engagement.key}`, type: 'upload-shard', key: engagement.key })
  }
  if (fact.type === 'leave') {
    for (const work of engagement.works)
      if (fact.leave.witnesses && (fact.leave.round === undefined || fact.leave.round === work.round))
        work.givenBack ??= fact.leave.witnesses
    return dismiss(engagement, fact.leave.code, fact.leave.reason, ask)
  }
  const work = engagement.works.find(w => w.round === fact.update.round)
  // Timely is what the provider signed in time: this machine may have slept. It is validated before any refund.
  if (!work || work.update || !work.times || fact.at > work.times.deadline || work.status !== 'sent') return
  work.update = {
    event: fact.event,
    manifest: fact.update.update,
    losses: fact.update.losses,
    steps: fact.update.steps,
  }
  work.arrivedAt = at
  work.status = 'delivered'
  if (work.round !== job.round || job.aggregating) work.late = true
  ask({ id: `fetch:${engagement.key}:${work.round}`, type: 'fetch', key: engagement.key, round: work.round })
}

const withEngagement = (job: CustomerJob, key: string, change: (engagement: Engagement) => void): void => {
  const engagement = job.engagements[key]
  if (engagement) change(engagement)
}

type WorkFact = Extract<CustomerFact, { key: string; round: number }>

/** Outcomes of effects on one work: the steps from its lock to its last sat. */
function recordOutcome(job: CustomerJob, at: Seconds, fact: WorkFact, ask: Ask): void {
  const { engagement, work } = find(job, fact.key, fact.round)
  if (!engagement || !work) return
  switch (fact.type) {
    case 'locked':
      work.lock = { ...work.lock, status: 'open', locked: fact.amount, fee: fact.fee }
      if (engagement.status === 'gone') {
        work.status = 'closed'
        return
      }
      work.status = 'sending'
      return ask({
        id: `round:${fact.key}:${fact.round}`,
        type: 'send-round',
        key: fact.key,
        round: fact.round,
      })
    case 'lock-refused':
      work.status = 'closed'
      work.lock.status = 'settled'
      job.stopping ??= { code: 'failed', reason: fact.reason }
      return dismiss(engagement, 'cancel', fact.reason, ask)
    case 'round-sent':
      work.status = 'sent'
      work.times = fact.times
      work.sentAt = at
      return
    case 'fetched': {
      work.status = 'fetched'
      work.path = fact.path
      const others = works(job, fact.round).filter(p => p.work.path !== undefined && p.work !== work)
      return ask({
        id: `measure:${fact.key}:${fact.round}`,
        type: 'measure',
        key: fact.key,
        round: fact.round,
        others: others.map(p => p.engagement.key),
      })
    }
    case 'fetch-failed':
      work.status = 'closed'
      work.verdict = { paid: 'none', sats: sats(0), used: false, reason: fact.reason, figures: {} }
      return dismiss(engagement, 'rejected', fact.reason, ask)
    case 'measured':
      work.status = 'measured'
      work.figures = fact.figures
      return
    case 'referenced':
      work.reference = fact.reference
      return
    case 'released': {
      work.lock.released = fact.amount
      work.status = 'closed'
      const verdict = work.verdict!
      if (work.lock.released >= work.lock.locked) work.lock.status = 'settled'
      if (verdict.paid !== 'full') dismiss(engagement, 'rejected', verdict.reason, ask)
      return
    }
    case 'refund-later':
      work.lock.status = 'open'
      delete work.givenBack // its signatures opened nothing: T is waited for
      return
    case 'refunded':
      work.lock.refunded = fact.refunded
      work.lock.fee = sats(work.lock.fee + fact.fee)
      work.lock.status = 'settled'
      work.status = 'closed'
      return
  }
}

/** What is to be done next. Called after every entry; it looks at the state alone. */
function proceed(job: CustomerJob, plan: Plan, ask: Ask): void {
  for (const engagement of Object.values(job.engagements)) watch(job, plan, engagement, ask)
  judgeLate(job, plan, ask)
  if (job.phase === 'exporting') return
  if (job.clock >= plan.deadline && !job.stopping)
    job.stopping = { code: 'failed', reason: 'The job’s deadline passed before all rounds were trained.' }
  if (job.round <= plan.rounds && !job.stopping) {
    hire(job, plan, ask)
    openRound(job, plan, ask)
  }
  if (job.roundOpenedAt !== undefined) {
    if (!job.stopping) engageInRound(job, plan, ask)
    closeRound(job, plan, ask)
    if (job.phase === 'hiring') {
      job.phase = 'training'
      ask({ id: `announce:${job.epoch}:running`, type: 'announce', status: 'running' })
    }
  }
  if (roundsAreOver(job, plan)) beginExport(job, ask)
}

/** Silence ends an engagement; its slot goes to the next bidder. */
function watch(job: CustomerJob, plan: Plan, engagement: Engagement, ask: Ask): void {
  const by = silentAt(engagement, plan)
  if (by === undefined || job.clock <= by) return
  const what = engagement.status === 'asked' ? 'did not answer the award' : 'was silent while at work'
  dismiss(engagement, 'silent', `The provider ${what}.`, ask)
}

/** An update that came after its round had closed is still checked and paid. */
function judgeLate(job: CustomerJob, plan: Plan, ask: Ask): void {
  for (const { engagement, work } of allWorks(job))
    if (work.late && work.status === 'measured') judge(job, plan, [{ engagement, work }], ask)
}

const underWay = (work: Work): boolean =>
  work.status !== 'closed' && work.status !== 'sent' && work.status !== 'locking' && work.status !== 'sending'

function roundsAreOver(job: CustomerJob, plan: Plan): boolean {
  if (job.round > plan.rounds) return true
  if (!job.stopping || job.aggregating) return false
  // A job that stops still pays for what was delivered and awaits what is being computed.
  return works(job, job.round).every(
    ({ engagement, work }) => !underWay(work) && (work.status === 'closed' || engagement.status === 'gone'),
  )
}

function beginExport(job: CustomerJob, ask: Ask): void {
  for (const engagement of Object.values(job.engagements)) {
    if (engagement.works.some(underWay)) continue
    dismiss(
      engagement,
      job.stopping ? 'cancel' : 'done',
      job.stopping?.reason ?? 'The job is done. Thank you.',
      ask,
    )
  }
  if (allWorks(job).some(({ work }) => underWay(work))) return
  job.phase = 'exporting'
  const trained = job.weights.length > 1
  if (trained) return ask({ id: 'export', type: 'export' })
  job.stopping ??= { code: 'failed', reason: 'No round was trained.' }
  finish(job, job.clock, ask)
}

function finish(job: CustomerJob, at: Seconds, ask: Ask): void {
  if (ended(job)) return
  job.phase = job.stopping?.code ?? 'done'
  job.end = { at, reason: job.stopping?.reason ?? 'All rounds were trained.' }
  const status = job.phase === 'done' ? 'done' : 'cancelled'
  ask({ id: `announce:${job.epoch}:${status}`, type: 'announce', status })
  ask({ id: 'clean-up', type: 'clean-up' })
}

/**
 * Whatever a closed work still has locked comes back: at once with the provider's signatures, else after T.
 * An engagement that is gone with its update overdue is closed here.
 */
function settleLocks(job: CustomerJob, ask: Ask): void {
  if (job.phase === 'fenced') return
  for (const { engagement, work } of allWorks(job)) {
    if (work.lock.status !== 'open') continue
    const overdue = work.status === 'sent' && engagement.status === 'gone' && job.clock > work.times!.deadline
    if (overdue || (work.status === 'sent' && work.givenBack)) work.status = 'closed'
    if (work.status !== 'closed') continue
    if (!work.givenBack && job.clock <= work.locktime) continue
    work.lock.status = 'refunding'
    const how = work.givenBack ? 'together' : 'after-t'
    ask({
      id: `refund:${engagement.key}:${work.round}:${how}`,
      type: 'refund',
      key: engagement.key,
      round: work.round,
    })
  }
}

/** The next moment at which time itself changes something. */
function wakeAt(job: CustomerJob): Seconds | undefined {
  const { plan } = job
  if (!plan) return undefined
  const moments: (number | undefined)[] = []
  for (const { engagement, work } of allWorks(job)) {
    if (work.lock.status !== 'open') continue
    if (work.times && engagement.status === 'gone' && work.status === 'sent')
      moments.push(work.times.deadline + 1)
    moments.push(work.locktime + 1)
  }
  if (!ended(job)) {
    moments.push(plan.deadline, closesAt(job, plan))
    for (const engagement of Object.values(job.engagements)) {
      const silent = silentAt(engagement, plan)
      if (silent !== undefined) moments.push(silent + 1)
    }
    if (job.announcedAt !== undefined && vacancies(job).length > 0)
      moments.push(job.announcedAt + plan.times.hiring / 2, job.announcedAt + plan.times.hiring)
  }
  const ahead = moments.filter((moment): moment is number => moment !== undefined && moment > job.clock)
  return ahead.length === 0 ? undefined : seconds(Math.min(...ahead))
}

/** Effects that no longer matter. Money already on its way is never abandoned. */
function abandoned(job: CustomerJob, effect: CustomerEffect): boolean {
  if (job.phase === 'fenced') return true
  if (effect.type === 'award') return job.engagements[effect.key]?.status === 'gone'
  if (effect.type === 'upload-shard') return job.engagements[effect.key]?.status === 'gone'
  return false
}
