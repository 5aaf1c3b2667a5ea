import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Prepared, prepare } from '../src/core/datasets/index.ts'
import {
  benchmark,
  evaluator,
  initialWeights,
  readWeights,
  type TrainingSpec,
  train,
  writeSafetensors,
} from '../src/core/training/index.ts'
import type { BenchOptions } from './index.ts'
import { writeResult } from './report/result.ts'

/** Each run has 600 of MNIST's training pictures to itself, and passes over them 27 times. */
const SHARDS = 100
const STEPS = 500
const BATCH = 32
/** Of the errors that are left without. */
const GOAL = 0.75

/** No mirror: hardly a digit is one in it. */
const VARIANTS = {
  plain: {},
  crop: { augment: { crop: 2 } },
  dropout: { dropout: 0.5 },
  both: { augment: { crop: 2 }, dropout: 0.5 },
}
type Variant = keyof typeof VARIANTS

/**
 * What shifted pictures (`augment.crop`) and dropout do for a small convolutional network that has few pictures to learn from,
 * judged on MNIST's test set, and what they cost: runs on as many shards as `--runs N` says, step times in turns. Goal: with
 * shifts at most 75 % of the errors without.
 */
export async function run({ json, args }: BenchOptions): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { runs: { type: 'string', default: '3' }, threads: { type: 'string', default: '1' } },
  })
  const [runs, threads] = [Number(values.runs), Number(values.threads)]
  const errors = await judged(runs, threads)
  const times = await timed(threads)
  const rows = variants.map(variant => ({
    ...{ model: 'cnn', batch: BATCH, engine: 'ours', variant },
    errors: errors[variant].map(part => Number(part.toFixed(4))),
    ms_per_step: median(times[variant]),
  }))
  const ratio = mean(errors.crop) / mean(errors.plain)
  if (json) return writeResult({ bench: 'augment', goal: GOAL, runs, threads, rows, ratio })
  for (const { variant, ms_per_step } of rows) {
    const found = errors[variant].map(percent).join(', ')
    process.stdout.write(
      `${variant.padEnd(8)} ${percent(mean(errors[variant]))} wrong (${found}), ${ms_per_step.toFixed(2)} ms a step\n`,
    )
  }
  process.stdout.write(`shifted pictures leave ${ratio.toFixed(2)} of the errors; goal: at most ${GOAL}\n`)
}

const variants = Object.keys(VARIANTS) as Variant[]
const perVariant = (): Record<Variant, number[]> => ({ plain: [], crop: [], dropout: [], both: [] })

/** Parts of the test set that are wrong, by variant and run. */
async function judged(runs: number, threads: number): Promise<Record<Variant, number[]>> {
  const folder = mkdtempSync(join(tmpdir(), 'gradstr-bench-'))
  try {
    const data = await prepare({ path: 'mnist', out: join(folder, 'data'), shards: SHARDS, seed: 1 })
    const errors = perVariant()
    for (let seed = 0; seed < runs; seed++)
      for (const variant of variants)
        errors[variant].push(await errorOf(specOf(variant), data, folder, seed, threads))
    return errors
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function errorOf(spec: TrainingSpec, data: Prepared, folder: string, seed: number, threads: number) {
  const [weights, out] = [join(folder, 'weights'), join(folder, 'trained')]
  await writeSafetensors(weights, initialWeights(spec, seed))
  const shard = data.shards[seed]!.path
  await train({ spec, weights, data: shard, steps: STEPS, seed, out, threads })
  const engine = await evaluator(spec, { threads })
  try {
    const { accuracy = Number.NaN } = await engine.losses(
      await readWeights(spec, out),
      await engine.load(data.holdout),
    )
    return 1 - accuracy
  } finally {
    await engine.close()
  }
}

async function timed(threads: number): Promise<Record<Variant, number[]>> {
  const times = perVariant()
  for (let turn = 0; turn < 5; turn++)
    for (const variant of variants) {
      const { secondsPerStep } = await benchmark({ spec: specOf(variant), milliseconds: 700, threads })
      times[variant].push(1000 * secondsPerStep)
    }
  return times
}

/** The network that jobs about small pictures have. */
const specOf = (variant: Variant): TrainingSpec => ({
  recipe: 'cnn',
  model: { image: [1, 28, 28], channels: [16, 32], kernel: 3, hidden: [64], outputs: 10 },
  task: 'classification',
  input: { dtype: 'u8', scale: 1 / 255, shift: 0 },
  batch: BATCH,
  optimizer: {
    ...{ name: 'adamw', learningRate: 2e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-2 },
    schedule: { warmup: 50, steps: STEPS, least: 0.05 },
  },
  ...VARIANTS[variant],
})

const mean = (all: number[]): number => all.reduce((sum, x) => sum + x, 0) / all.length
const median = (all: number[]): number => all.toSorted((a, b) => a - b)[all.length >> 1] ?? Number.NaN
const percent = (part: number): string => `${(100 * part).toFixed(2)} %`
