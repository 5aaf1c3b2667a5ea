import { mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Prepared, prepare } from '../src/core/datasets/index.ts'
import { aggregate, FedAvg, writeUpdate } from '../src/core/federation/index.ts'
import {
  evaluator,
  initialWeights,
  MCMAHAN,
  permutation,
  readWeights,
  type TrainingSpec,
  train,
  writeSafetensors,
} from '../src/core/training/index.ts'
import type { BenchOptions } from './index.ts'
import { writeResult } from './report/result.ts'

const CLIENTS = 100
const PER_ROUND = 10
const EPOCHS = 5
const BATCH = 10
const GOAL = 0.99

/** Rounds that the paper's table 2 needs for 99 %, E = 5, B = 10, C = 0.1. */
const PAPER = { iid: 20, digits: 229 }
type Partition = keyof typeof PAPER

/**
 * McMahan et al. 2017 (arXiv 1602.05629), the convolutional network on MNIST, in simulation: 100 clients of 600
 * pictures, ten of which train five epochs in batches of ten each round; what they deliver and how it is averaged is the
 * project's own. Prints the rounds until 99 % of the test set is right, beside the paper's. `--partition iid|digits`
 * (two digits each), `--rate` (the paper searched 10^(k/3)), `--decay` (what the rate is multiplied with after each round),
 * `--seed`, `--rounds` at most, `--threads`.
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
      threads: { type: 'string' },
    },
  })
  const partition: Partition = values.partition === 'digits' ? 'digits' : 'iid'
  const setting: Setting = {
    partition,
    rate: Number(values.rate),
    decay: Number(values.decay),
    seed: Number(values.seed),
    most: Number(values.rounds ?? PAPER[partition]),
    ...(values.threads ? { threads: Number(values.threads) } : {}),
  }
  const say = (line: string) => json || process.stdout.write(`${line}\n`)
  const result = await simulate(setting, say)
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

interface Setting {
  partition: Partition
  rate: number
  /** What the rate is multiplied with after each round. */
  decay: number
  seed: number
  /** Rounds at most. */
  most: number
  threads?: number
}

interface Outcome {
  /** Until the goal was reached; null when it was not. */
  rounds: number | null
  best: number
  /** Part of the test set that is right after each round, and what the round took. */
  rows: { model: 'cnn'; batch: number; engine: 'ours'; round: number; accuracy: number; seconds: number }[]
}

async function simulate(setting: Setting, say: (line: string) => unknown): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'gradstr-bench-'))
  try {
    const { partition, seed } = setting
    const data = await prepare({
      path: 'mnist',
      out: join(folder, 'data'),
      shards: CLIENTS,
      seed,
      ...(partition === 'digits' ? { skew: { classesPerShard: 2 } } : {}),
    })
    const weights = join(folder, 'weights.safetensors')
    await writeSafetensors(weights, initialWeights(specOf(setting), seed))
    const rows: Outcome['rows'] = []
    const best = () => Math.max(0, ...rows.map(({ accuracy }) => accuracy))
    while (rows.length < setting.most && best() < GOAL) {
      const began = performance.now()
      await round(setting, data, folder, weights, rows.length)
      const accuracy = await accuracyOf(setting, data, weights)
      const seconds = (performance.now() - began) / 1000
      rows.push({ model: 'cnn', batch: BATCH, engine: 'ours', round: rows.length + 1, accuracy, seconds })
      say(`round ${rows.length}: ${percent(accuracy)}, ${seconds.toFixed(1)} s`)
    }
    return { rounds: best() < GOAL ? null : rows.length, best: best(), rows }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Ten clients train on their shards; the mean of what they deliver is added to the weights. */
async function round(
  setting: Setting,
  data: Prepared,
  folder: string,
  weights: string,
  number: number,
): Promise<void> {
  const spec = specOf(setting, number)
  const work = join(folder, 'round')
  mkdirSync(work, { recursive: true })
  const clients = permutation(CLIENTS, setting.seed, number).slice(0, PER_ROUND)
  const contributions = []
  for (const client of clients) {
    const shard = data.shards[client]!
    const [trained, update] = [join(work, 'trained'), join(work, `update-${client}`)]
    await train({
      spec,
      weights,
      data: shard.path,
      steps: Math.ceil((EPOCHS * shard.rows) / BATCH),
      seed: setting.seed * 1_000_000 + number * CLIENTS + client,
      out: trained,
      ...(setting.threads ? { threads: setting.threads } : {}),
    })
    await writeUpdate(spec, { from: weights, to: trained, out: update })
    contributions.push({ path: update, weight: shard.rows })
  }
  const next = join(work, 'next')
  await aggregate(new FedAvg(), spec, { weights, contributions, out: next })
  renameSync(next, weights)
  rmSync(work, { recursive: true })
}

async function accuracyOf(setting: Setting, data: Prepared, weights: string): Promise<number> {
  const spec = specOf(setting)
  const engine = await evaluator(spec, setting.threads ? { threads: setting.threads } : {})
  try {
    const test = await engine.load(data.holdout)
    const { accuracy } = await engine.losses(await readWeights(spec, weights), test)
    return accuracy ?? Number.NaN
  } finally {
    await engine.close()
  }
}

const specOf = ({ rate, decay }: Setting, round = 0): TrainingSpec => ({
  recipe: 'cnn',
  model: MCMAHAN,
  task: 'classification',
  input: { dtype: 'u8', scale: 1 / 255, shift: 0 },
  batch: BATCH,
  optimizer: { name: 'sgd', learningRate: rate * decay ** round, momentum: 0, weightDecay: 0 },
})

const percent = (part: number): string => `${(100 * part).toFixed(2)} %`
