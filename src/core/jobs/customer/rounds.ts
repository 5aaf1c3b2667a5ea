import { type Seconds, sats, seconds } from '../../../shared/units.ts'
import {
  judgeUse,
  judgeWork,
  quorumAt,
  type UseJudgement,
  type WorkJudgement,
} from '../../federation/index.ts'
import { type Ask, scheduleOf } from './hiring.ts'
import type { CustomerJob, Engagement, Plan, Work } from './state.ts'
import { locktimeOf } from './times.ts'

/** Seconds that the missing are waited for after the last arrival, however short the rounds are. */
const leastPatience = 5

export const works = (job: CustomerJob, round: number): { engagement: Engagement; work: Work }[] =>
  Object.values(job.engagements).flatMap(engagement =>
    engagement.works.filter(work => work.round === round).map(work => ({ engagement, work })),
  )

/** Whether an update of this work may still come: the provider is there and its deadline is ahead. */
const hopeful = (job: CustomerJob, engagement: Engagement, work: Work): boolean => {
  if (work.status === 'delivered' || work.status === 'fetched') return true
  if (engagement.status === 'gone') return false
  if (work.status === 'locking' || work.status === 'locked' || work.status === 'sending') return true
  return work.status === 'sent' && job.clock <= work.times!.deadline
}

/** How long a round waits to be opened for a provider whose shard is still on its way to a server. */
export const shardBy = ({ status, shard, acceptedAt }: Engagement, plan: Plan): Seconds | undefined =>
  status === 'accepted' && !shard && acceptedAt !== undefined
    ? seconds(acceptedAt + plan.times.start)
    : undefined

/**
 * Opens the next round once the providers that are wanted have accepted and can have their shards, or patience ends with
 * at least one. Whoever is ready later takes part as long as the round is open.
 */
export function openRound(job: CustomerJob, plan: Plan, ask: Ask): void {
  if (job.roundOpenedAt !== undefined || job.aggregating || job.stopping || job.round > plan.rounds) return
  const ready = readyEngagements(job)
  if (ready.length === 0) return
  const awaited = Object.values(job.engagements).some(
    e => e.status === 'awarding' || e.status === 'asked' || job.clock <= (shardBy(e, plan) ?? 0),
  )
  if (awaited && ready.length < job.slots.length) return
  job.roundOpenedAt = job.clock
  ask({ id: `weights:${job.round}`, type: 'upload-weights', round: job.round })
}

const readyEngagements = (job: CustomerJob): Engagement[] =>
  Object.values(job.engagements).filter(e => e.status === 'accepted' && e.shard)

/** Locks and sends the open round to everyone who is ready and has no part in it, whoever came late included. */
export function engageInRound(job: CustomerJob, plan: Plan, ask: Ask): void {
  if (job.roundOpenedAt === undefined || job.aggregating || !job.weights[job.round - 1]?.manifest) return
  for (const engagement of readyEngagements(job)) {
    if (engagement.works.some(work => work.round === job.round)) continue
    if (engagement.works.some(work => work.status !== 'closed')) continue
    const first = engagement.works.length === 0
    const { steps, price } = scheduleOf(plan, engagement.bid, job.round)[0]!
    const full = scheduleOf(plan, { ...engagement.bid, known: 1 }, job.round)[0]!
    engagement.works.push({
      round: job.round,
      steps: first ? steps : full.steps,
      price: first ? price : full.price,
      status: 'locking',
      locktime: locktimeOf(plan, engagement.bid.bid, job.clock),
      lock: { status: 'none', locked: sats(0), fee: sats(0), released: sats(0), refunded: sats(0) },
    })
    ask({ id: `lock:${engagement.key}:${job.round}`, type: 'lock', key: engagement.key, round: job.round })
  }
}

/**
 * A lock's secrets exist on this machine alone until a checkpoint holds them: no round leaves before that, so that a
 * new machine can finish or refund whatever was sent.
 */
export function saveLocks(job: CustomerJob, ask: Ask): void {
  const parts = works(job, job.round)
  if (parts.some(({ work }) => work.status === 'locking')) return
  const keys = parts.filter(({ work }) => work.status === 'locked').map(({ engagement }) => engagement.key)
  if (keys.length > 0)
    ask({ id: `checkpoint:${job.round}:${keys.join('+')}`, type: 'checkpoint', round: job.round, keys })
}

/** The last aggregate is saved with the locks of the round that follows at once; by itself where none does. */
export function saveAggregate(job: CustomerJob, ask: Ask): void {
  const round = job.weights.length - 1
  if (round < 1 || job.roundOpenedAt !== undefined) return
  ask({ id: `checkpoint:${round}`, type: 'checkpoint', round, keys: [] })
}

/** The moment at which the round closes without those that are still missing. */
export function closesAt(job: CustomerJob, plan: Plan): Seconds | undefined {
  if (job.roundOpenedAt === undefined) return undefined
  const parts = works(job, job.round)
  const arrivals = parts.flatMap(({ work }) =>
    work.arrivedAt === undefined || work.sentAt === undefined ? [] : [work.arrivedAt - work.sentAt],
  )
  const sent = parts.flatMap(({ work }) => (work.sentAt === undefined ? [] : [work.sentAt]))
  const deadlines = parts.flatMap(({ work }) => (work.times ? [work.times.deadline] : []))
  if (sent.length === 0 || deadlines.length === 0) return undefined
  const last = Math.max(...deadlines)
  if (arrivals.length * 2 <= plan.shards.length) return seconds(last)
  const patience = Math.max(quorumAt(arrivals, last), Math.max(...arrivals) + leastPatience)
  return seconds(Math.ceil(Math.min(last, Math.max(...sent) + patience)))
}

/** How long a round waits for an update that was announced, and that no server gives. */
export const fetchedBy = (work: Work, plan: Plan): Seconds =>
  seconds((work.arrivedAt ?? 0) + plan.times.heartbeat)

/** Judges the round when nobody is awaited any more, or quorum is reached and patience is over. */
export function closeRound(job: CustomerJob, plan: Plan, ask: Ask): void {
  if (job.roundOpenedAt === undefined || job.aggregating) return
  const parts = works(job, job.round)
  if (parts.length === 0) return
  const measured = parts.filter(({ work }) => work.status === 'measured')
  const pending = parts.filter(
    ({ engagement, work }) => work.status !== 'measured' && hopeful(job, engagement, work),
  )
  const due = closesAt(job, plan)
  // What has arrived is waited for: its measuring is this machine's own doing. A download may be nobody's.
  const measuring = pending.some(
    ({ work }) =>
      work.status === 'fetched' || (work.status === 'delivered' && job.clock <= fetchedBy(work, plan)),
  )
  if (pending.length > 0 && (measuring || due === undefined || job.clock < due)) return
  if (measured.length === 0) return reopenIfEmpty(job)
  if (!judge(job, plan, measured, ask)) return
  for (const { work } of pending) if (work.status === 'delivered') work.late = true
  const used = measured.filter(({ work }) => work.verdict?.used)
  job.aggregating = true
  ask({
    id: `aggregate:${job.round}`,
    type: 'aggregate',
    round: job.round,
    keys: used.map(({ engagement }) => engagement.key),
  })
}

/** Nobody delivered: the round stays open for whoever is hired next. */
function reopenIfEmpty(job: CustomerJob): void {
  for (const { work } of works(job, job.round)) if (work.lock.status === 'none') work.status = 'closed'
}

/**
 * Two questions, never one (training.md): was the work done decides payment; does it help decides use.
 * @returns false while the customer's own reference run is awaited
 */
export function judge(
  job: CustomerJob,
  plan: Plan,
  parts: { engagement: Engagement; work: Work }[],
  ask: Ask,
): boolean {
  const round = parts[0]!.work.round
  const known = works(job, round)
    .filter(({ work }) => work.figures)
    .sort((a, b) => a.work.arrival! - b.work.arrival!)
  const judged = parts.map(({ engagement, work }) => {
    const at = known.findIndex(part => part.work === work)
    const peers = known.flatMap((part, i) =>
      part.work === work ? [] : [{ id: part.engagement.key, figures: part.work.figures!, earlier: i < at }],
    )
    const reference = work.reference === 'running' ? undefined : work.reference
    const update = { id: engagement.key, figures: work.figures!, peers, rho: plan.rho, reference }
    return { engagement, work, pay: judgeWork(update), use: judgeUse(update) }
  })
  const doubtful = judged.filter(({ pay }) => pay.doubt !== null)
  for (const { engagement, work } of doubtful) {
    if (work.reference) continue
    work.reference = 'running'
    const others = known.filter(part => part.work !== work && part.work.figures!.finite)
    ask({
      id: `reference:${engagement.key}:${round}`,
      type: 'reference',
      key: engagement.key,
      round,
      others: others.map(part => part.engagement.key),
    })
  }
  if (doubtful.length > 0) return false
  for (const { engagement, work, pay, use } of judged) pronounce(job, engagement, work, pay, use, ask)
  return true
}

function pronounce(
  job: CustomerJob,
  engagement: Engagement,
  work: Work,
  pay: WorkJudgement,
  use: UseJudgement,
  ask: Ask,
): void {
  // A provider may claim fewer steps than were asked, never more.
  const delivered = Math.min(1, work.update!.steps / work.steps)
  const due = Math.floor(work.price * Math.min(pay.fraction, delivered))
  const late = 'It came after the round had closed, so it is not used.'
  work.verdict = {
    paid: due === 0 ? 'none' : due === work.price ? 'full' : 'part',
    sats: sats(due),
    used: use.used && !work.late,
    reason: `${pay.reason} ${work.late ? late : use.reason}`,
    figures: { ...pay.figures, ...use.figures },
  }
  work.status = 'releasing'
  if (pay.planAtFault !== null) job.stopping ??= { code: 'failed', reason: pay.planAtFault }
  ask({
    id: `release:${engagement.key}:${work.round}`,
    type: 'release',
    key: engagement.key,
    round: work.round,
  })
}
