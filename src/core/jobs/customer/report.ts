import { UserError } from '../../../shared/errors.ts'
import type { Caller, GradstrTasks } from '../../compute/index.ts'
import { allWorks, type CustomerJob, money, type Plan, secondsOf } from './state.ts'

/**
 * Measures the finished model on the holdout and writes its folder.
 * @param at  a path in the job's folder
 * @returns what report.json holds
 */
export async function exportModelOf(
  job: CustomerJob,
  at: (path: string) => string,
  compute: Caller<GradstrTasks>,
  signal: AbortSignal,
): Promise<unknown> {
  const { plan, weights } = job
  const last = weights.at(-1)
  if (!plan || !last)
    throw new UserError('job/no-model', {
      message: 'This job has no weights to export.',
      fix: 'Train at least one round first.',
    })
  const { spec, holdout, out, title, text } = plan
  const shared = { weights: at(last.path), holdout: at(holdout), out, title, training: factsOf(job, plan) }
  if (spec.task !== 'language') {
    const rows = { ...shared, spec, encoding: at(plan.encoding) }
    return (await compute.run('export', rows, { signal })).report
  }
  if (!text) throw new TypeError('a plan of a text names its tokenizer')
  const language = { ...shared, spec, tokenizer: at(text.tokenizer), layout: text.layout }
  return (await compute.run('exportText', language, { signal })).report
}

/** What the model's folder tells of its making. */
function factsOf(job: CustomerJob, plan: Plan) {
  const judged = allWorks(job).filter(({ work }) => work.verdict)
  const { locked, paid, refunded, fees } = money(job)
  return {
    rounds: job.weights.slice(1).map(({ score }, i) => ({
      round: i + 1,
      loss: score?.loss ?? null,
      used: judged.filter(({ work }) => work.round === i + 1 && work.verdict?.used).length,
    })),
    providers: new Set(judged.map(({ engagement }) => engagement.bid.provider)).size,
    rows: plan.shards.reduce((sum, shard) => sum + shard.rows, 0),
    seconds: secondsOf(job),
    sats: { quoted: plan.quoted, locked, paid, refunded, fees },
    practice: plan.practice,
  }
}
