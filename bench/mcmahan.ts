import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import type { BenchOptions } from './index.ts'
import { type Partition, percent, type Setting, simulate } from './mcmahan/simulation.ts'
import { writeResult } from './report/result.ts'

/** Rounds that the paper's table 2 needs for 99 %, E = 5, B = 10, C = 0.1. */
const PAPER: Record<Partition, number> = { iid: 20, digits: 229 }

/**
 * McMahan et al. 2017 (arXiv 1602.05629), the convolutional network on MNIST, in simulation: 100 clients of 600
 * pictures, ten of which train five epochs in batches of ten each round; what they deliver and how it is averaged is the
 * project's own. Prints the rounds until 99 % of the test set is right, beside the paper's. `--partition iid|digits`
 * (two digits each), `--rate` (the paper searched 10^(k/3)), `--decay` (what the rate is multiplied with after each round),
 * `--seed`, `--rounds` at most, `--workers` (clients at a time, one core each); `--keep FOLDER` keeps every round there, and goes on from the last one.
 */
export async function run({ json, args }: BenchOptions): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      partition: { type: 'string', default: 'iid' },
      rate: { type: 'string', default: '0.1' },
      decay: { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
      rounds: { type: 'string' },
      workers: { type: 'string', default: String(availableParallelism()) },
      keep: { type: 'string' },
    },
  })
  const partition: Partition = values.partition === 'digits' ? 'digits' : 'iid'
  const setting: Setting = {
    partition,
    rate: Number(values.rate),
    decay: Number(values.decay),
    seed: Number(values.seed),
    most: Number(values.rounds ?? PAPER[partition]),
    workers: Number(values.workers),
  }
  const say = (line: string) => json || process.stdout.write(`${line}\n`)
  const result = await simulate(setting, values.keep, say)
  const { rounds, best } = result
  const ratio = rounds === null ? null : PAPER[partition] / rounds
  if (json)
    writeResult({
      bench: 'mcmahan',
      ...setting,
      rounds,
      best,
      paper: PAPER[partition],
      rows: result.rows,
      ratio,
    })
  else
    say(
      rounds === null
        ? `99 % not reached in ${setting.most} rounds: best ${percent(best)}`
        : `99 % after ${rounds} rounds; McMahan et al. 2017: ${PAPER[partition]}; ratio ${ratio?.toFixed(2)}`,
    )
}
