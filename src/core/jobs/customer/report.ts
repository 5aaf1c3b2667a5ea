import { UserError } from '../../../shared/errors.ts'
import { allWorks, type CustomerJob, money } from './state.ts'

/** What the model's folder tells of its making. */
export function exportInput(job: CustomerJob, at: (path: string) => string) {
  const { plan, weights } = job
  const last = weights.at(-1)
  if (!plan || !last)
    throw new UserError('job/no-model', {
      message: 'This job has no weights to export.',
      fix: 'Train at least one round first.',
    })
  return {
    spec: plan.spec,
    weights: at(last.path),
    encoding: at(plan.encoding),
    holdout: at(plan.holdout),
    out: plan.out,
    title: plan.title,
    training: {
      rounds: weights.slice(1).map(({ score }, i) => ({ round: i + 1, ...score })),
      providers: new Set(
        allWorks(job)
          .filter(({ work }) => work.verdict)
          .map(({ engagement }) => engagement.bid.provider),
      ).size,
      sats: money(job),
    },
  }
}
