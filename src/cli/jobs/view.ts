import { type CustomerJob, type Hired, money, type Work } from '../../core/jobs/index.ts'
import type { ProgressView, ProviderState, ProviderView } from '../progress/view.ts'

/** What heartbeats said last, by session key: shown, never used. */
export type Heartbeats = ReadonlyMap<
  string,
  { round: number; step: number; loss: number; secondsLeft: number }
>
/** A name for a provider's identity. */
export type Naming = (pubkey: string) => string

/** The live display of a job, made from its state alone and the newest heartbeats. */
export function viewOf(job: CustomerJob, heartbeats: Heartbeats, naming: Naming): ProgressView {
  const { plan } = job
  const { locked, paid, refunded, fees } = money(job)
  const doing = doingOf(job)
  const providers = Object.values(job.engagements)
    .filter(
      engagement => engagement.status !== 'gone' || engagement.works.some(work => work.round === job.round),
    )
    .map(engagement => providerOf(job, engagement, heartbeats, naming))
  const secondsLeft = leftOf(job)
  return {
    ...(doing === undefined ? {} : { doing }),
    round: Math.min(job.round, plan?.rounds ?? 0),
    rounds: plan?.rounds ?? 0,
    providers,
    losses: job.weights.flatMap(({ score }) => (score ? [score.loss] : [])),
    sats: { locked, paid, refunded, fees, cap: plan?.cap ?? 0 },
    ...(secondsLeft === undefined ? {} : { secondsLeft }),
    practice: plan?.practice ?? false,
  }
}

function doingOf(job: CustomerJob): string | undefined {
  if (job.phase === 'planning') return 'planning'
  if (job.strapped !== undefined && Object.values(job.engagements).every(e => e.status === 'gone'))
    return 'waiting for locked sats to come back: the cap allows no more'
  if (job.phase === 'hiring') return job.bids.length === 0 ? 'waiting for bids' : 'hiring providers'
  if (job.unwritten !== undefined) return 'the model could not be written'
  if (job.phase === 'exporting') return 'evaluating and writing the model'
  if (job.aggregating) return 'adding the updates up'
  if (job.stopping) return 'stopping: paying for what was delivered'
  if (job.paused) return 'pausing: the round under way ends and is paid'
  if (job.phase === 'training' && job.roundOpenedAt === undefined) return 'waiting for providers'
  return undefined
}

function providerOf(
  job: CustomerJob,
  engagement: Hired,
  heartbeats: Heartbeats,
  naming: Naming,
): ProviderView {
  const work = engagement.works.find(w => w.round === job.round) ?? engagement.works.at(-1)
  const heard = heartbeats.get(engagement.bid.bid.key)
  const live = heard && work && heard.round === work.round ? heard : undefined
  const finished = work && work.status !== 'sent' && work.update
  return {
    name: naming(engagement.bid.provider),
    round: work?.round ?? job.round,
    step: finished ? work.update!.steps : (live?.step ?? 0),
    steps: work?.steps ?? 0,
    ...(live ? { loss: live.loss } : {}),
    state: stateOf(engagement, work, live !== undefined),
  }
}

function stateOf(engagement: Hired, work: Work | undefined, heard: boolean): ProviderState {
  if (engagement.status === 'awarding' || engagement.status === 'asked') return 'asked'
  if (work?.verdict)
    return work.verdict.paid === 'full' ? 'paid' : work.verdict.paid === 'part' ? 'part-paid' : 'unpaid'
  if (engagement.status === 'gone') return 'left'
  if (!work) return 'waiting'
  if (work.status === 'delivered') return 'delivered'
  if (work.status === 'fetched' || work.status === 'measured' || work.status === 'releasing')
    return 'checking'
  if (work.status === 'sent') return heard ? 'training' : 'receiving'
  return 'waiting'
}

/** From the pace of the rounds that are closed: a short first one counts by its steps. */
function leftOf(job: CustomerJob): number | undefined {
  const { plan, announcedAt } = job
  const closed = job.weights.length - 1
  if (!plan || announcedAt === undefined || closed < 1 || job.round > plan.rounds) return undefined
  const since = job.clock - announcedAt - plan.times.hiring / 2
  const done = closed - 1 + plan.strangers
  return Math.max(0, Math.round((since / Math.max(done, 0.25)) * (plan.rounds - closed)))
}
