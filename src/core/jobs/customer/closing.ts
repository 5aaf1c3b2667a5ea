import type { Seconds } from '../../../shared/units.ts'
import { type Ask, dismiss } from './hiring.ts'
import { fetchedBy, works } from './rounds.ts'
import { allWorks, type CustomerJob, ended, type Plan, type Work } from './state.ts'

/** A job does not wait with its end for an update that no server gives: that is judged whenever it comes. */
const underWay = (work: Work): boolean =>
  work.status !== 'closed' &&
  !(work.status === 'delivered' && work.late) &&
  work.status !== 'sent' &&
  !['locking', 'locked', 'sending'].includes(work.status)

export const roundsAreOver = (job: CustomerJob, plan: Plan): boolean =>
  job.round > plan.rounds || (job.stopping !== undefined && isQuiet(job))

/** A job that stops or pauses still pays for what was delivered and awaits what is being computed. */
const isQuiet = (job: CustomerJob): boolean =>
  !job.aggregating &&
  works(job, job.round).every(
    ({ engagement, work }) => !underWay(work) && (work.status === 'closed' || engagement.status === 'gone'),
  )

/**
 * With a pause the process ends: whoever delivered, to an earlier round too, would wait for its verdict until the job is
 * taken up again, and be unpaid where that is after T. An update that no server gives is waited for as long as by a round.
 */
const mayRest = (job: CustomerJob): boolean =>
  job.paused &&
  isQuiet(job) &&
  allWorks(job).every(
    ({ work }) =>
      !underWay(work) && !(work.status === 'delivered' && job.clock <= fetchedBy(work, job.plan!)),
  )

/** Lets the providers of a paused job go once nobody is at work: they may bid again when it goes on. */
export function rest(job: CustomerJob, ask: Ask): void {
  if (!mayRest(job)) return
  for (const engagement of Object.values(job.engagements))
    dismiss(engagement, 'pause', 'The customer paused the job. You may bid again when it goes on.', ask)
}

/** Whether a pause has begun: nobody works for the job, and nothing is to be judged. */
export const isResting = (job: CustomerJob): boolean =>
  mayRest(job) && Object.values(job.engagements).every(({ status }) => status === 'gone')

export function beginExport(job: CustomerJob, ask: Ask): void {
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
  job.trainedAt = job.clock
  if (isTrained(job)) return askExport(job, ask)
  job.stopping ??= { code: 'failed', reason: 'No round was trained.' }
  finish(job, job.clock, ask)
}

const isTrained = (job: CustomerJob): boolean => job.weights.length > 1

function askExport(job: CustomerJob, ask: Ask): void {
  delete job.unwritten
  ask({ id: job.vainExports === 0 ? 'export' : `export:${job.vainExports}`, type: 'export' })
}

/** Writes a model that could not be written: its folder may be free by now, or is another one. */
export function exportAgain(job: CustomerJob, ask: Ask): void {
  if (job.unwritten !== undefined) askExport(job, ask)
}

export function finish(job: CustomerJob, at: Seconds, ask: Ask): void {
  if (ended(job)) return
  job.phase = job.stopping?.code ?? 'done'
  job.end = { at, reason: job.stopping?.reason ?? 'All rounds were trained.' }
  const status = job.phase === 'done' ? 'done' : 'cancelled'
  ask({ id: `announce:${job.epoch}:${status}`, type: 'announce', status })
  ask({ id: 'clean-up', type: 'clean-up' })
}

/** After this moment the customer can take the lock back alone: T, or later where the mint's clock is behind. */
export const refundableAt = ({ locktime, lock }: Work): Seconds =>
  lock.notBefore !== undefined && lock.notBefore > locktime ? lock.notBefore : locktime

/**
 * Whatever a closed work still has locked comes back: at once with the provider's signatures, else after T.
 * An update that was sent in time may still come until then, so what is overdue is closed here.
 */
export function settleLocks(job: CustomerJob, ask: Ask): void {
  for (const { engagement, work } of allWorks(job)) {
    if (work.lock.status !== 'open') continue
    const overdue = engagement.status === 'gone' && job.clock > refundableAt(work)
    if (work.status === 'sent' && (overdue || work.givenBack)) work.status = 'closed'
    if (work.status !== 'closed') continue
    if (!work.givenBack && job.clock <= refundableAt(work)) continue
    work.lock.status = 'refunding'
    const how = work.givenBack ? 'together' : 'after-t'
    const again = work.lock.tries ? `:${work.lock.tries}` : ''
    ask({
      id: `refund:${engagement.key}:${work.round}:${how}${again}`,
      type: 'refund',
      key: engagement.key,
      round: work.round,
    })
  }
}
