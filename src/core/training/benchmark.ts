import { type Flops, flops, type Seconds, seconds } from '../../shared/units.ts'
import { Batches } from './batches.ts'
import { flopsPerStep } from './cost.ts'
import { Pace } from './pace.ts'
import { initialWeights } from './parameters.ts'
import { randomData } from './random-data.ts'
import { freshState, openRunner, type RunnerOptions } from './runner.ts'
import type { TrainingSpec } from './spec.ts'

export interface Benchmark {
  spec: TrainingSpec
  /** Of one optimizer step, the median call's. */
  secondsPerStep: Seconds
  rowsPerSecond: number
  flopsPerSecond: Flops
}

export interface BenchmarkOptions extends RunnerOptions {
  /** What to train; an image classifier of the size of MNIST's when left out. */
  spec?: TrainingSpec
  /** How long to measure, after a warm-up of about half a second. */
  milliseconds?: number
}

const ROWS = 2048

/** 784-512-512-10: small enough for a second on any machine, large enough that a graphics card shows its worth. */
export const REFERENCE: TrainingSpec = {
  recipe: 'mlp',
  model: { inputs: 784, hidden: [512, 512], outputs: 10 },
  task: 'classification',
  input: { dtype: 'f32', scale: 1, shift: 0 },
  batch: 128,
  optimizer: { name: 'sgd', learningRate: 0.01, momentum: 0, weightDecay: 0 },
}

/** Measures training on random data. @throws UserError `training/engine` */
export async function benchmark(options: BenchmarkOptions = {}): Promise<Benchmark> {
  const { spec = REFERENCE, milliseconds = 1000 } = options
  const secondsPerStep = await measure(spec, milliseconds, options)
  return {
    spec,
    secondsPerStep,
    rowsPerSecond: spec.batch / secondsPerStep,
    flopsPerSecond: flops(flopsPerStep(spec) / secondsPerStep),
  }
}

async function measure(spec: TrainingSpec, milliseconds: number, options: RunnerOptions): Promise<Seconds> {
  // Hardly moving: what random data do to the weights must not decide the speed.
  const still = { ...spec, optimizer: { ...spec.optimizer, learningRate: 1e-12 } }
  const state = freshState(spec, initialWeights(spec, 1))
  const runner = await openRunner(still, randomData(spec, ROWS), state, options)
  const batches = new Batches(ROWS, spec.batch, 1)
  const pace = new Pace(Number.POSITIVE_INFINITY)
  const times: number[] = []
  try {
    const began = performance.now()
    for (let warm = false, spent = 0; spent < milliseconds || times.length < 3; ) {
      const n = pace.next()
      const rows = batches.of(0, n)
      const before = performance.now()
      await pace.measure(n, () => runner.run(rows, 0))
      const now = performance.now()
      if (warm) spent += now - before
      if (warm) times.push((now - before) / n / 1000)
      warm ||= now - began > 500 || n === pace.next()
    }
  } finally {
    await runner.close()
  }
  const sorted = times.sort((a, b) => a - b)
  return seconds(sorted[sorted.length >> 1] ?? Number.NaN)
}
