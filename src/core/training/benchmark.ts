import { type Flops, flops, type Seconds, seconds } from '../../shared/units.ts'
import { Batches } from './batches.ts'
import { flopsPerStep } from './cost.ts'
import { type Data, STORED } from './data.ts'
import { modelOf } from './models/index.ts'
import { Pace } from './pace.ts'
import { initialWeights } from './parameters.ts'
import { seeded } from './random.ts'
import { freshState, openRunner } from './runner.ts'
import type { SessionOptions } from './session.ts'
import { rowOf, type TrainingSpec } from './spec.ts'
import { ARRAYS, elements, type Tensor } from './tensor.ts'

export interface Benchmark {
  spec: TrainingSpec
  /** Of one optimizer step, the median call's. */
  secondsPerStep: Seconds
  rowsPerSecond: number
  flopsPerSecond: Flops
}

export interface BenchmarkOptions extends SessionOptions {
  /** What to train; an image classifier of the size of MNIST's when left out. */
  spec?: TrainingSpec
  /** How long to measure, after a warm-up of about half a second. */
  milliseconds?: number
}

const ROWS = 2048

/** 784-128-10 with batches of 64: small, so it shows the overheads, and promises no more than bigger models keep. */
export const REFERENCE: TrainingSpec = {
  recipe: 'mlp',
  model: { inputs: 784, hidden: [128], outputs: 10 },
  task: 'classification',
  input: { dtype: 'f32', scale: 1, shift: 0 },
  batch: 64,
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

async function measure(spec: TrainingSpec, milliseconds: number, options: SessionOptions): Promise<Seconds> {
  const runner = await openRunner(spec, randomData(spec), options)
  const batches = new Batches(ROWS, spec.batch, 1)
  const pace = new Pace(Number.POSITIVE_INFINITY)
  const state = freshState(spec, initialWeights(spec, 1))
  const times: number[] = []
  try {
    const began = performance.now()
    for (let warm = false, spent = 0; spent < milliseconds || times.length < 3; ) {
      const n = pace.next()
      const rows = batches.of(0, n)
      const before = performance.now()
      // Always from the same weights: what random data do to them must not decide the speed.
      await pace.measure(n, () => runner.run(state, rows, 0))
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

/** Rows of random numbers with random answers, of the types and shapes that `rowOf` says. */
function randomData(spec: TrainingSpec): Data {
  const random = seeded(1)
  const row = rowOf(spec)
  const classes = modelOf(spec).outputShape.at(-1) ?? 1
  const draw = { f32: () => random.float(), u8: () => random.below(256), i32: () => random.below(classes) }
  const tensor = ({ dtype, shape }: { dtype: keyof typeof draw; shape: number[] }): Tensor => {
    const data = new ARRAYS[STORED[dtype]](ROWS * elements(shape)).map(draw[dtype])
    return { dtype: STORED[dtype], shape: [ROWS, ...shape], data }
  }
  return { rows: ROWS, x: tensor(row.x), y: tensor(row.y) }
}
