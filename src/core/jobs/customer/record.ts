import { type Seconds, sats, seconds } from '../../../shared/units.ts'
import type { Entry } from '../machine.ts'
import { exportAgain, finish } from './closing.ts'
import { type Ask, dismiss, mostBids } from './hiring.ts'
import type { CustomerFact } from './log.ts'
import { works } from './rounds.ts'
import { allWorks, type CustomerJob, type Engagement, ended, type Work } from './state.ts'

const cancelled = { code: 'cancelled', reason: 'You cancelled the job.' } as const

const find = (job: CustomerJob, key: string, round: number): { engagement?: Engagement; work?: Work } => {
  const engagement = job.engagements[key]
  const work = engagement?.works.find(w => w.round === round)
  return { ...(engagement ? { engagement } : {}), ...(work ? { work } : {}) }
}

/** Only the session key that the bid named speaks for an engagement, and only about its own award. */
const speaking = (job: CustomerJob, from: string, award: string): Engagement | undefined =>
  Object.values(job.engagements).find(e => e.bid.bid.key === from && e.award === award)

/** A second later than every stamp before, or now: at least the date that the event was given. */
const after = (stamp: Seconds, at: Seconds): Seconds => seconds(Math.max(stamp + 1, at))

/** Writes down what an entry says. What follows from it is `proceed`'s. */
export function record(job: CustomerJob, { at, fact }: Entry<CustomerFact>, ask: Ask): void {
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
      job.stamp = after(job.stamp, at)
      if (fact.status === 'open') {
        job.version = fact.event
        job.calledAt = at
      }
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
    case 'award-failed':
      return withEngagement(job, fact.key, engagement => dismiss(engagement, 'error', fact.reason, ask))
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
      job.round += 1
      return
    case 'saved':
      job.stamp = after(job.stamp, at)
      job.checkpoints = [...job.checkpoints, fact.state].slice(-2)
      for (const key of fact.keys) {
        const { engagement, work } = find(job, key, fact.round)
        if (work?.status !== 'locked') continue
        work.status = engagement?.status === 'gone' ? 'closed' : 'sending'
        if (work.status === 'sending')
          ask({ id: `round:${key}:${fact.round}`, type: 'send-round', key, round: fact.round })
      }
      return
    case 'restored':
      if (!job.plan || fact.epoch <= job.epoch) return
      job.epoch = fact.epoch
      job.plan = { ...job.plan, out: fact.out }
      job.stamp = after(job.stamp, fact.stamp)
      ask({ id: `announce:${fact.epoch}:running`, type: 'announce', status: 'running' })
      return exportAgain(job, ask)
    case 'out':
      if (!job.plan || job.phase === 'fenced') return
      job.plan = { ...job.plan, out: fact.out }
      return exportAgain(job, ask)
    case 'exported':
      job.report = fact.report
      return finish(job, at, ask)
    case 'export-failed':
      job.unwritten = fact.reason
      job.vainExports += 1
      return
    case 'back':
      job.catchingUp = true
      if (job.paused) job.calledWith = undefined
      job.paused = false
      return
    case 'caught-up':
      job.catchingUp = false
      job.listeningSince = at
      if (!ended(job) && job.stopping?.code !== 'cancelled') exportAgain(job, ask)
      return
    case 'pause':
      job.paused = true
      return
    case 'cancel':
      // A job that stops for another reason ends so, unless all it waits for is the person: a folder for its model.
      if (job.unwritten === undefined) job.stopping ??= cancelled
      else job.stopping = cancelled
      return
    case 'receipt-later':
    case 'receipt-published':
      return withEngagement(job, fact.key, ({ receipt }) => {
        if (!receipt) return
        if (fact.type === 'receipt-published') receipt.published = true
        else {
          receipt.tries += 1
          receipt.notBefore = fact.notBefore
        }
      })
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
    engagement.acceptedAt = at
    return ask({ id: `shard:${engagement.key}`, type: 'upload-shard', key: engagement.key })
  }
  if (fact.type === 'leave') {
    for (const work of engagement.works)
      if (mayGiveBack(work) && (fact.leave.round === undefined || fact.leave.round === work.round))
        if (fact.leave.witnesses?.length) work.givenBack ??= fact.leave.witnesses
    return dismiss(engagement, fact.leave.code, fact.leave.reason, ask)
  }
  const work = engagement.works.find(w => w.round === fact.update.round)
  if (work && (work.status === 'locking' || work.status === 'locked' || work.status === 'sending')) {
    work.early ??= fact
    return
  }
  if (work && isGivenUp(engagement, work)) {
    work.early = fact
    work.status = 'sending'
    const { key } = engagement
    return ask({ id: `round:${key}:${work.round}:early`, type: 'send-round', key, round: work.round })
  }
  // Timely is what the provider signed in time: this machine may have slept. It is validated before any refund.
  if (!work || work.update || !work.times || fact.at > work.times.deadline || work.status !== 'sent') return
  work.update = {
    event: fact.event,
    manifest: fact.update.update,
    losses: fact.update.losses,
    steps: fact.update.steps,
  }
  work.arrivedAt = at
  work.arrival = allWorks(job).filter(other => other.work.arrival !== undefined).length
  work.status = 'delivered'
  if (work.round !== job.round || job.aggregating) work.late = true
  ask({ id: `fetch:${engagement.key}:${work.round}`, type: 'fetch', key: engagement.key, round: work.round })
}

/** A round that this machine could not send in time, whose lock is still there: the machine before it may have sent it. */
const isGivenUp = ({ gone }: Engagement, { status, lock, update }: Work): boolean =>
  gone?.code === 'lapsed' && status === 'closed' && lock.status === 'open' && !update

/** Signatures that open nothing are tried a few times, not for ever. */
const mostTries = 3
const mayGiveBack = ({ lock }: Work): boolean => lock.status !== 'settled' && (lock.tries ?? 0) < mostTries

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
      work.status = engagement.status === 'gone' ? 'closed' : 'locked'
      return
    case 'lock-refused':
      work.status = 'closed'
      work.lock.status = 'settled'
      job.strapped = fact.reason
      return dismiss(engagement, 'cancel', fact.reason, ask)
    case 'lapsed':
      work.status = 'closed'
      return dismiss(engagement, 'lapsed', fact.reason, ask)
    case 'round-sent':
      work.status = 'sent'
      work.times = fact.times
      if (fact.token) work.token = fact.token
      work.sentAt = at
      return work.early && recordWord(job, at, work.early, ask)
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
      // Its provider reads why, as with every verdict, and gives the lock back.
      work.status = 'releasing'
      work.verdict = { paid: 'none', sats: sats(0), used: false, reason: fact.reason, figures: {} }
      if (fact.blame === false) work.verdict.blameless = true
      return ask({
        id: `release:${fact.key}:${fact.round}`,
        type: 'release',
        key: fact.key,
        round: fact.round,
      })
    case 'measured':
      work.status = 'measured'
      work.figures = fact.figures
      return
    case 'referenced':
      work.reference = fact.reference
      return
    case 'released': {
      work.lock.released = fact.amount
      work.lock.net = fact.net
      work.status = 'closed'
      const verdict = work.verdict!
      if (work.lock.released >= work.lock.locked) work.lock.status = 'settled'
      if (verdict.paid !== 'full') dismiss(engagement, 'rejected', verdict.reason, ask)
      return
    }
    case 'refund-later':
      work.lock.status = 'open'
      work.lock.tries = (work.lock.tries ?? 0) + 1
      if (fact.notBefore !== undefined) work.lock.notBefore = fact.notBefore
      delete work.givenBack // its signatures opened nothing: T is waited for
      return
    case 'refunded':
      delete job.strapped
      work.lock.refunded = fact.refunded
      work.lock.fee = sats(work.lock.fee + fact.fee)
      work.lock.status = 'settled'
      work.status = 'closed'
      return
  }
}
