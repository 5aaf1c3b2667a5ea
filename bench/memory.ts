import { type TrainingSpec, trainingMemory } from '../src/core/training/index.ts'
import { measuredMemory } from '../src/core/training/memory/measured.test-support.ts'
import { configurations } from './engine/configurations.ts'
import type { BenchOptions } from './index.ts'
import { writeResult } from './report/result.ts'

/**
 * Memory of a training run beside what is foreseen, each in a process of its own: from file to file, at its peak, beyond
 * what the process had before. Goal: within a quarter.
 */
export async function run({ json, args }: BenchOptions): Promise<void> {
  const rows: Row[] = []
  for (const { name, spec, steps, microBatch } of cases().filter(({ name }) =>
    args.every(a => name.includes(a)),
  )) {
    const manner = microBatch === undefined ? {} : { microBatch }
    const measured = await measuredMemory({ spec, rows: ROWS, steps, ...manner })
    const foreseen = trainingMemory(spec, ROWS, manner).process
    const row = { name, measured, foreseen, ratio: foreseen / measured }
    rows.push(row)
    if (!json) process.stdout.write(`${lineOf(row)}\n`)
  }
  if (json) writeResult({ bench: 'memory', rows: rows.map(toldOf), ratio: furthest(rows) })
}

const ROWS = 256
/** Enough for calls of several steps. */
const STEPS = 40

interface Case {
  name: string
  spec: TrainingSpec
  steps: number
  microBatch?: number
}

function cases(): Case[] {
  const whole = Object.entries(configurations).flatMap(([model, { spec, batches }]) =>
    batches.map(batch => ({
      model,
      spec: spec(batch) as TrainingSpec,
      steps: model === 'gpt-gpu' ? 8 : STEPS,
    })),
  )
  const named = whole.map(({ model, ...rest }) => ({ name: `${model}, batch ${rest.spec.batch}`, ...rest }))
  const parts = named
    .filter(({ name }) => !name.startsWith('mlp'))
    .map(at => ({ ...at, name: `${at.name} in two parts`, microBatch: at.spec.batch / 2 }))
  return [...named, ...parts, { name: 'adapters of a llama, f16', spec: adapted, steps: STEPS }]
}

/** 29 million weights that are not trained, in f16. */
const adapted: TrainingSpec = {
  recipe: 'llama',
  model: {
    ...{ vocabulary: 4096, context: 64, width: 512, layers: 6, heads: 8, keyValueHeads: 4, hidden: 1376 },
    ...{ epsilon: 1e-5, theta: 10_000, tied: true },
  },
  task: 'language',
  adapter: { rank: 8, alpha: 16, targets: ['q_proj', 'v_proj'], base: 'f16' },
  batch: 4,
  optimizer: {
    ...{ name: 'adamw', learningRate: 1e-3, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 },
  },
}

const MB = 1e6
interface Row {
  name: string
  /** Bytes. */
  measured: number
  foreseen: number
  ratio: number
}

const toldOf = ({ name, measured, foreseen, ratio }: Row) => ({
  ...{ model: name, engine: 'ours', ratio },
  ...{ peak_beyond_base_mb: measured / MB, foreseen_mb: foreseen / MB },
})

/** The ratio that is furthest from 1. */
const furthest = (rows: readonly Row[]): number | null =>
  rows.map(({ ratio }) => ratio).sort((a, b) => Math.abs(Math.log(b)) - Math.abs(Math.log(a)))[0] ?? null

const lineOf = ({ name, measured, foreseen, ratio }: Row) =>
  `${name.padEnd(32)} ${(measured / MB).toFixed(0).padStart(6)} MB at the peak, ${(foreseen / MB).toFixed(0).padStart(6)} MB foreseen: ${ratio.toFixed(2)} (goal 0.75 to 1.25)`
