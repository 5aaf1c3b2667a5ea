import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Compute, openCompute } from '../../src/core/compute/index.ts'
import { type Prepared, prepare } from '../../src/core/datasets/index.ts'
import { aggregate, FedAvg } from '../../src/core/federation/index.ts'
import {
  evaluator,
  initialWeights,
  MCMAHAN,
  permutation,
  readWeights,
  type TrainingSpec,
  writeSafetensors,
} from '../../src/core/training/index.ts'
import { type Kept, keptIn } from './kept.ts'

const CLIENTS = 100
const PER_ROUND = 10
const EPOCHS = 5
const BATCH = 10
const GOAL = 0.99
const WORKER = new URL('../../src/worker/index.ts', import.meta.url)

export type Partition = 'iid' | 'digits'

export interface Setting {
  partition: Partition
  rate: number
  /** What the rate is multiplied with after each round. */
  decay: number
  seed: number
  /** Rounds at most. */
  most: number
  /** Clients that train at the same time, each in a process of its own and on one core. */
  workers: number
}

export type Row = {
  model: 'cnn'
  batch: number
  engine: 'ours'
  round: number
  accuracy: number
  seconds: number
}

export interface Outcome {
  /** Until the goal was reached; null when it was not. */
  rounds: number | null
  best: number
  /** Part of the test set that is right after each round, and what the round took. */
  rows: readonly Row[]
}

/** @param keep  a folder from which it goes on if it was stopped, and where each round is kept; or nothing is kept */
export async function simulate(
  setting: Setting,
  keep: string | undefined,
  say: (line: string) => unknown,
): Promise<Outcome> {
  const folder = mkdtempSync(join(tmpdir(), 'gradstr-bench-'))
  const compute = openCompute({ entry: WORKER, workers: setting.workers, log: say })
  try {
    const { partition, seed } = setting
    const data = await prepare({
      path: 'mnist',
      out: join(folder, 'data'),
      shards: CLIENTS,
      seed,
      ...(partition === 'digits' ? { skew: { classesPerShard: 2 } } : {}),
    })
    const kept = keptIn(keep ?? folder, setting)
    if (kept.rows.length === 0) await writeSafetensors(kept.weights(0), initialWeights(specOf(setting), seed))
    await roundsOf(setting, { data, compute, kept, scratch: join(folder, 'round') }, say)
    const best = bestOf(kept.rows)
    return { rounds: best < GOAL ? null : kept.rows.length, best, rows: kept.rows }
  } finally {
    await compute.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Place {
  data: Prepared
  compute: Compute
  kept: Kept
  /** For the files of one round. */
  scratch: string
}

async function roundsOf(setting: Setting, place: Place, say: (line: string) => unknown): Promise<void> {
  const { data, kept } = place
  for (const row of kept.rows) say(lineOf(row))
  while (kept.rows.length < setting.most && bestOf(kept.rows) < GOAL) {
    const began = performance.now()
    const round = kept.rows.length
    await playRound(setting, place, round)
    const accuracy = await accuracyOf(setting, data, kept.weights(round + 1))
    const seconds = (performance.now() - began) / 1000
    const row: Row = { model: 'cnn', batch: BATCH, engine: 'ours', round: round + 1, accuracy, seconds }
    kept.add(row)
    say(lineOf(row))
  }
}

const bestOf = (rows: readonly Row[]): number => Math.max(0, ...rows.map(({ accuracy }) => accuracy))
const lineOf = ({ round, accuracy, seconds }: Row): string =>
  `round ${round}: ${percent(accuracy)}, ${seconds.toFixed(1)} s`

/** Ten clients train on their shards, as providers do; the mean of what they deliver is added to the weights. */
async function playRound(
  setting: Setting,
  { data, compute, kept, scratch }: Place,
  number: number,
): Promise<void> {
  const spec = specOf(setting, number)
  const weights = kept.weights(number)
  mkdirSync(scratch, { recursive: true })
  const clients = [...permutation(CLIENTS, setting.seed, number).slice(0, PER_ROUND)]
  const contributions = await Promise.all(
    clients.map(async client => {
      const shard = data.shards[client]!
      const update = join(scratch, `update-${client}`)
      const seed = setting.seed * 1_000_000 + number * CLIENTS + client
      const steps = Math.ceil((EPOCHS * shard.rows) / BATCH)
      await compute.run('train', { spec, weights, data: shard.path, steps, seed, update, threads: 1 })
      return { path: update, weight: shard.rows }
    }),
  )
  await aggregate(new FedAvg(), spec, { weights, contributions, out: kept.weights(number + 1) })
  rmSync(scratch, { recursive: true })
}

async function accuracyOf(setting: Setting, data: Prepared, weights: string): Promise<number> {
  const spec = specOf(setting)
  const engine = await evaluator(spec, { threads: setting.workers })
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

export const percent = (part: number): string => `${(100 * part).toFixed(2)} %`
