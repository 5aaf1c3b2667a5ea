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
  const judged = allWorks(job).filter(({ work }) => work.verdict)
  const { locked, paid, refunded, fees } = money(job)
  return {
    spec: plan.spec,
    weights: at(last.path),
    encoding: at(plan.encoding),
    holdout: at(plan.holdout),
    out: plan.out,
    title: plan.title,
    training: {
      rounds: weights.slice(1).map(({ score }, i) => ({
        round: i + 1,
        loss: score?.loss ?? null,
        used: judged.filter(({ work }) => work.round === i + 1 && work.verdict?.used).length,
      })),
      providers: new Set(judged.map(({ engagement }) => engagement.bid.provider)).size,
      rows: plan.shards.reduce((sum, shard) => sum + shard.rows, 0),
      seconds: Math.max(0, job.clock - (job.announcedAt ?? job.clock)),
      sats: { quoted: plan.quoted, locked, paid, refunded, fees },
      practice: plan.practice,
    },
  }
}
