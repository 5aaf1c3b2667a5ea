import { join } from 'node:path'
import type { CustomerJob, Plan } from '../../core/jobs/index.ts'
import { ended, MNIST, secondsOf } from '../../core/jobs/index.ts'
import { UserError } from '../../shared/errors.ts'
import type { Call } from '../cli.ts'
import { counted, duration, idText } from '../format.ts'
import { type MoneySummary, moneyLines } from '../progress/summary.ts'
import { moneyOf } from './money.ts'
import { type Quality, qualityOf } from './quality.ts'
import type { Naming } from './view.ts'

interface Conclusion {
  id: string
  job: CustomerJob
  naming: Naming
  before: number
  after: number
  /** The job was over before this command, which took back what was left: how it ended was told then. */
  collected?: boolean
}

/**
 * The end of a job for a person, and the last JSON line. A person who cancelled has what was asked for.
 * @throws UserError when the job failed, goes on elsewhere, or its model could not be written
 */
export function conclude(call: Call, conclusion: Conclusion): void {
  const { job, naming, before, after, collected } = conclusion
  const { report } = call
  const made = job.report === undefined ? undefined : qualityOf(job.report)
  const money = moneyOf(job, naming, before, after)
  const asWished = job.phase === 'done' || job.phase === 'cancelled' || (collected && job.phase === 'failed')
  const ending = asWished && job.phase !== 'done' && job.end ? [job.end.reason] : []
  report.say('', ...ending, ...modelLines(conclusion, made?.text))
  report.say(...moneyLines(money, report.paint))
  if (made) report.say('', tryIt(job.plan!, made))
  if (!asWished) throw endedBadly(conclusion)
  report.result(resultOf(job, made, money))
}

/** A command that works as it stands, where one is known. */
function tryIt({ title, out }: Plan, { metric }: Quality): string {
  const ask = (input: string) => `Try it: \`gradstr predict ${out} ${input}\``
  if (metric === 'perplexity') return ask('"Once upon"')
  if (title === MNIST) return ask('mnist')
  return `${ask('FILE')}; ${join(out, 'README.md')} says what it takes.`
}

function modelLines({ id, job }: Conclusion, quality: string | undefined): string[] {
  const { rounds, out } = job.plan!
  if (quality !== undefined) {
    const took = `in ${duration(secondsOf(job))}`
    return [
      quality,
      `${job.weights.length - 1} of ${counted(rounds, 'round')} ${took}. The model is in ${out}`,
      '',
    ]
  }
  // Else the error says so.
  if (job.unwritten === undefined || !ended(job)) return []
  return [job.unwritten, `Its weights are kept: ${writeElsewhere(id)}`, '']
}

const resultOf = (
  job: CustomerJob,
  made: Quality | undefined,
  { locked, paid, refunded, fees, open, after, providers }: MoneySummary,
): object => ({
  phase: job.phase,
  metric: made?.metric ?? null,
  value: made?.value ?? null,
  rounds: job.weights.length - 1,
  providers: providers.length,
  seconds: secondsOf(job),
  sats: {
    quoted: job.plan!.quoted,
    locked,
    paid,
    refunded,
    fees,
    balance: after,
    ...(open > 0 ? { open } : {}),
  },
  out: made ? job.plan!.out : null,
})

const writeElsewhere = (id: string): string => `\`gradstr resume ${idText(id)} --out FOLDER\` writes it.`

/** What is to be told of a job that did not end as the person wished. */
export function endedBadly({ id, job }: Pick<Conclusion, 'id' | 'job'>): UserError {
  if (job.unwritten !== undefined)
    return new UserError('job/unwritten', {
      message: job.unwritten,
      fix: `The trained weights are kept and paid for. ${writeElsewhere(id)}`,
    })
  const reason = job.end?.reason ?? 'The job did not end.'
  const fix =
    job.phase === 'fenced'
      ? 'Go on there. Nothing is paid from this machine any more.'
      : job.report !== undefined
        ? 'The model of the rounds that were trained is in its folder. Start again for more.'
        : 'Nothing more is paid for it; what was locked comes back by itself. Start again, perhaps with other providers or another plan.'
  return new UserError(`job/${job.phase}`, { message: reason, fix })
}
