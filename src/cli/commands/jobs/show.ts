import type { Command } from 'commander'
import type { CustomerJob, Hired, Work } from '../../../core/jobs/index.ts'
import { type Call, type Cli, callOf } from '../../cli.ts'
import {
  count,
  counted,
  keyText,
  type Paint,
  percent,
  printable,
  satsText,
  score,
  timeText,
} from '../../format.ts'
import { liveHome, practiceHome } from '../../home.ts'
import type { ArchivedEngagement, ArchivedJob } from '../../jobs/archive.ts'
import type { Naming } from '../../jobs/view.ts'

export function addJob(gradstr: Command, cli: Cli): void {
  gradstr
    .command('job')
    .description('every round of one job: who, asked, measured, used or not, paid or not and why')
    .argument('<id>', 'the job, or the beginning of its id')
    .action(async (id: string, _: object, command: Command) => show(await callOf(cli, command), id))
}

async function show(call: Call, id: string): Promise<void> {
  const { report } = call
  const { openArchive, pick } = await import('../../jobs/archive.ts')
  const archives = [liveHome(call.folder), practiceHome(call.folder)].map(openArchive)
  const all = archives.flatMap(({ jobs, engagements }) => [...jobs, ...engagements])
  const found: ArchivedJob | ArchivedEngagement = pick(all, id)
  if ('job' in found) {
    const { rememberedNaming } = await import('../../jobs/names.ts')
    const naming = rememberedNaming(practiceHome(call.folder))
    report.say(...boughtLines(found, naming, report.paint))
    return report.result({ id: found.id, ...boughtFacts(found, naming) })
  }
  report.say(...workedLines(found))
  report.result({
    id: found.id,
    phase: found.engagement.phase,
    end: found.engagement.end,
    rounds: found.engagement.shares.map(workedFacts),
  })
}

interface Part {
  hired: Hired
  work: Work
}
const partsOf = (job: CustomerJob, round: number): Part[] =>
  Object.values(job.engagements).flatMap(hired =>
    hired.works.filter(work => work.round === round).map(work => ({ hired, work })),
  )
/** After the last one that somebody was asked for, a job that ends early has begun another. */
const roundsOf = (job: CustomerJob): number[] =>
  Array.from({ length: Math.min(job.round, job.plan!.rounds) }, (_, i) => i + 1).filter(
    round => partsOf(job, round).length > 0,
  )

const waiting = {
  awarding: 'The award is on its way to it.',
  asked: 'It has not answered the award yet.',
  accepted: 'It waits for its first round.',
  gone: 'It left.',
}
/** Those that were awarded a part and never sent a round: they declined, stayed mute, or are yet to begin. */
const idleOf = (job: CustomerJob): { hired: Hired; why: string }[] =>
  Object.values(job.engagements)
    .filter(({ works }) => works.length === 0)
    .map(hired => ({ hired, why: whyIdle(hired) }))

const whyIdle = ({ gone, status }: Hired): string =>
  gone?.code === 'declined' ? `It declined: ${gone.reason}` : (gone?.reason ?? waiting[status])

export function boughtLines(
  { id, createdAt, job, phase }: ArchivedJob,
  naming: Naming,
  paint: Paint,
): string[] {
  const plan = job.plan!
  const head = [
    paint('bold', `${plan.title}: ${phase}${job.end ? `. ${job.end.reason}` : ''}`),
    `Job ${id}, started ${timeText(createdAt)}; ${counted(plan.rounds, 'round')} of ${counted(plan.steps, 'step')}, cap ${satsText(plan.cap)}`,
  ]
  const rounds = roundsOf(job).flatMap(round => {
    const result = job.weights[round]?.score
    const closed = result
      ? `: ${result.metric} ${result.metric === 'accuracy' ? percent(result.value) : score(result.value)}, loss ${score(result.loss)} on data never trained on`
      : ''
    return [
      '',
      paint('bold', `Round ${round}${closed}`),
      ...partsOf(job, round).flatMap(part => partLines(part, naming, paint)),
    ]
  })
  const idle = idleOf(job).map(({ hired, why }) => `  ${naming(hired.bid.provider)}  ${printable(why)}`)
  return [
    ...head,
    ...rounds,
    ...(idle.length > 0 ? ['', paint('bold', 'Awarded, no round sent'), ...idle] : []),
  ]
}

const figureLines = (figures: Readonly<Record<string, number>>): string[] =>
  Object.entries(figures).map(
    ([what, value]) => `      ${printable(what)}: ${Number.isInteger(value) ? count(value) : score(value)}`,
  )

function partLines({ hired, work }: Part, naming: Naming, paint: Paint): string[] {
  const { verdict, lock } = work
  const paid =
    verdict === undefined
      ? work.status
      : verdict.paid === 'none'
        ? 'not paid'
        : verdict.paid === 'part'
          ? 'paid in part'
          : 'paid'
  const used = verdict === undefined ? '' : verdict.used ? ', used' : ', not used'
  const money = `${count(lock.locked)} locked, ${count(lock.released)} paid, ${count(lock.refunded)} back${lock.status === 'open' ? `, opens ${timeText(work.locktime)}` : ''}`
  const reason = verdict?.reason ?? (work.status === 'closed' ? hired.gone?.reason : undefined)
  return [
    `  ${naming(hired.bid.provider)}  asked ${counted(work.steps, 'step')} for ${satsText(work.price)}; ${paid}${used} (${money})`,
    ...(reason ? [paint('dim', `    ${printable(reason)}`)] : []),
    ...figureLines(verdict?.figures ?? {}).map(line => paint('dim', line)),
  ]
}

export const boughtFacts = ({ job, phase }: Pick<ArchivedJob, 'job' | 'phase'>, naming: Naming): object => ({
  phase,
  end: job.end,
  cap: job.plan!.cap,
  rounds: roundsOf(job).map(round => ({
    round,
    ...job.weights[round]?.score,
    providers: partsOf(job, round).map(({ hired, work }) => ({
      provider: hired.bid.provider,
      name: naming(hired.bid.provider),
      steps: work.steps,
      price: work.price,
      status: work.status,
      verdict: work.verdict,
      lock: work.lock,
      left: hired.gone,
    })),
  })),
  idle: idleOf(job).map(({ hired, why }) => ({
    provider: hired.bid.provider,
    name: naming(hired.bid.provider),
    why,
    left: hired.gone,
  })),
})

const workedFacts = (share: ArchivedEngagement['engagement']['shares'][number]) => ({
  round: share.round.round,
  steps: share.round.steps,
  price: share.round.price,
  status: share.status,
  paid: share.verdict?.paid,
  used: share.verdict?.used,
  reason: share.verdict?.reason,
  figures: share.verdict?.figures,
  redeemed: share.redeemed,
})

export function workedLines({ id, createdAt, engagement }: ArchivedEngagement): string[] {
  const customer = engagement.candidate?.customer
  return [
    `${printable(engagement.candidate?.job.title ?? 'A job')}: ${engagement.phase}${engagement.end ? `. ${printable(engagement.end.reason)}` : ''}`,
    `Work ${id}${customer ? ` for ${keyText(customer)}` : ''}, since ${timeText(createdAt)}`,
    ...engagement.shares
      .map(workedFacts)
      .flatMap(share => [
        `  Round ${share.round}: ${counted(share.steps, 'step')} for ${satsText(share.price)}; ${share.paid === undefined ? share.status : `paid ${share.paid === 'none' ? 'nothing' : share.paid === 'part' ? 'in part' : 'in full'}, ${share.used ? 'used' : 'not used'}`}${share.redeemed === undefined ? '' : `, ${satsText(share.redeemed)} earned`}`,
        ...(share.reason ? [`    ${printable(share.reason)}`] : []),
        ...figureLines(share.figures ?? {}),
      ]),
  ]
}
