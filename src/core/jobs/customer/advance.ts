import { type Seconds, seconds } from '../../../shared/units.ts'
import type { Machine } from '../machine.ts'
import { beginExport, finish, refundableAt, rest, roundsAreOver, settleLocks } from './closing.ts'
import { copyOf } from './copy.ts'
import { type Ask, callAgain, callAgainAt, dismiss, hire, silentAt, vacancies } from './hiring.ts'
import type { CustomerEffect, CustomerFact } from './log.ts'
import { askReceipts, owesReceipts, receiptAt } from './receipts.ts'
import { record } from './record.ts'
import {
  closeRound,
  closesAt,
  engageInRound,
  fetchedBy,
  judge,
  openRound,
  saveAggregate,
  saveLocks,
  shardBy,
} from './rounds.ts'
import { allWorks, type CustomerJob, type Engagement, emptyJob, ended, type Plan } from './state.ts'

/** The customer's side of one job. The same log gives the same state; a repeated wire event changes nothing. */
export const customerMachine: Machine<CustomerJob, CustomerFact, CustomerEffect> = {
  version: 1,
  initial: emptyJob,
  tick: { type: 'tick' },
  advance(state, entry) {
    const effects: CustomerEffect[] = []
    const ask: Ask = effect => void effects.push(effect)
    const job = copyOf(state)
    job.clock = entry.at
    record(job, entry, ask)
    if (job.catchingUp) return [job, effects]
    if (job.plan && !ended(job)) proceed(job, job.plan, ask)
    if (job.plan && job.phase !== 'fenced') {
      // Also after the end: what was delivered in time is judged and paid, the rest comes back.
      judgeLate(job, job.plan, ask)
      settleLocks(job, ask)
      askReceipts(job, ask)
    }
    return [job, effects]
  },
  wakeAt,
  over: job =>
    // Another machine coordinates: its locks are that machine's to settle.
    job.phase === 'fenced' ||
    (ended(job) &&
      allWorks(job).every(({ work }) => work.lock.status === 'none' || work.lock.status === 'settled') &&
      !owesReceipts(job)),
  abandoned,
}

/** What is to be done next. Called after every entry; it looks at the state alone. */
function proceed(job: CustomerJob, plan: Plan, ask: Ask): void {
  for (const engagement of Object.values(job.engagements)) watch(job, plan, engagement, ask)
  if (job.phase === 'exporting') {
    // A person who cancels does not wait for a folder: the weights stay in this home, to be written once it is named.
    if (job.unwritten !== undefined && job.stopping?.code === 'cancelled') finish(job, job.clock, ask)
    return
  }
  if (job.clock >= plan.deadline && !job.stopping)
    job.stopping = { code: 'failed', reason: 'The job’s deadline passed before all rounds were trained.' }
  if (job.strapped !== undefined && !job.stopping && nothingComesBack(job))
    job.stopping = { code: 'failed', reason: job.strapped }
  const begins = !job.stopping && !job.paused
  if (job.round <= plan.rounds && begins) {
    hire(job, plan, ask)
    callAgain(job, plan, ask)
    openRound(job, plan, ask)
  }
  saveAggregate(job, ask)
  if (job.roundOpenedAt !== undefined) {
    if (begins) engageInRound(job, plan, ask)
    saveLocks(job, ask)
    closeRound(job, plan, ask)
    if (job.phase === 'hiring') {
      job.phase = 'training'
      ask({ id: `announce:${job.epoch}:running`, type: 'announce', status: 'running' })
    }
  }
  if (roundsAreOver(job, plan)) beginExport(job, ask)
  else rest(job, ask)
}

/** With nobody at work and nothing locked, no money will ever come back to go on with. */
const nothingComesBack = (job: CustomerJob): boolean =>
  Object.values(job.engagements).every(({ status }) => status === 'gone') &&
  allWorks(job).every(({ work }) => work.lock.status === 'none' || work.lock.status === 'settled')

/** Silence ends an engagement; its slot goes to the next bidder. */
function watch(job: CustomerJob, plan: Plan, engagement: Engagement, ask: Ask): void {
  const by = silentAt(job, engagement, plan)
  if (by === undefined || job.clock <= by) return
  const what = engagement.status === 'asked' ? 'did not answer the award' : 'was silent while at work'
  dismiss(engagement, 'silent', `The provider ${what}.`, ask)
}

/** An update that came after its round had closed is still checked and paid. */
function judgeLate(job: CustomerJob, plan: Plan, ask: Ask): void {
  for (const { engagement, work } of allWorks(job))
    if (work.late && work.status === 'measured') judge(job, plan, [{ engagement, work }], ask)
}

/** The next moment at which time itself changes something. */
function wakeAt(job: CustomerJob): Seconds | undefined {
  const { plan } = job
  if (!plan) return undefined
  const moments: (number | undefined)[] = []
  for (const { work } of allWorks(job)) {
    if (work.status === 'delivered') moments.push(fetchedBy(work, plan) + 1)
    if (work.lock.status !== 'open') continue
    moments.push(refundableAt(work) + 1)
  }
  for (const engagement of Object.values(job.engagements)) moments.push(receiptAt(job, engagement))
  if (!ended(job)) {
    moments.push(plan.deadline, closesAt(job, plan))
    for (const engagement of Object.values(job.engagements)) {
      const silent = silentAt(job, engagement, plan)
      if (silent !== undefined) moments.push(silent + 1)
      const shard = shardBy(engagement, plan)
      if (shard !== undefined) moments.push(shard + 1)
    }
    if (job.announcedAt !== undefined && vacancies(job).length > 0)
      moments.push(
        job.announcedAt + plan.times.hiring / 2,
        job.announcedAt + plan.times.hiring,
        callAgainAt(job),
      )
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
