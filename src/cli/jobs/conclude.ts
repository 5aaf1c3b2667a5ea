import type { CustomerJob } from '../../core/jobs/index.ts'
import { ended } from '../../core/jobs/index.ts'
import { UserError } from '../../shared/errors.ts'
import type { Call } from '../cli.ts'
import { duration } from '../format.ts'
import { moneyLines } from '../progress/summary.ts'
import { moneyOf } from './money.ts'
import { qualityOf } from './quality.ts'
import type { Naming } from './view.ts'

interface Conclusion {
  job: CustomerJob
  naming: Naming
  before: number
  after: number
  /** Seconds of the whole command. */
  seconds: number
}

/** The end of a job for a person, and the last JSON line. @throws UserError when the job ended without all rounds */
export function conclude(call: Call, { job, naming, before, after, seconds }: Conclusion): void {
  const { report } = call
  const plan = job.plan!
  const made = job.report === undefined ? undefined : qualityOf(job.report)
  const rounds = job.weights.length - 1
  const money = moneyOf(job, naming, before, after)
  report.say('')
  if (made) {
    report.say(
      report.paint('bold', made.text),
      `${rounds} of ${plan.rounds} rounds in ${duration(Math.round(seconds))}. The model is in ${plan.out}`,
      '',
    )
  }
  report.say(...moneyLines(money, report.paint))
  if (made) report.say('', `Try it:  gradstr predict ${plan.out} ${made.input}`)
  if (job.phase !== 'done') throw endedBadly(job)
  const { locked, paid, refunded, fees, open } = money
  report.result({
    metric: made?.metric ?? null,
    value: made?.value ?? null,
    rounds,
    providers: money.providers.length,
    seconds: Math.round(seconds * 10) / 10,
    sats: {
      quoted: plan.quoted,
      locked,
      paid,
      refunded,
      fees,
      balance: after,
      ...(open > 0 ? { open } : {}),
    },
    out: plan.out,
  })
}

function endedBadly(job: CustomerJob): UserError {
  const reason = job.end?.reason ?? 'The job did not end.'
  const fix =
    job.phase === 'fenced'
      ? 'Go on there. Nothing is paid from this machine any more.'
      : ended(job) && job.weights.length > 1
        ? 'The model of the rounds that were trained is in its folder. Start again for more.'
        : 'Nothing more is paid for it; what was locked comes back by itself. Start again, perhaps with other providers or another plan.'
  return new UserError(`job/${job.phase}`, { message: reason, fix })
}
