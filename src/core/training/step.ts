import { forward, frozenInputs, trainedNet } from './forward.ts'
import {
  add,
  cast,
  crossEntropy,
  div,
  fixed,
  Graph,
  gather,
  gradients,
  loop,
  mean,
  mul,
  reshape,
  squaredError,
  type Total,
  type Value,
  zerosLike,
} from './graph/index.ts'
import { augmented } from './layers/augment.ts'
import { Dropout } from './layers/dropout.ts'
import type { Frozen } from './layers/frozen.ts'
import { type NoiseSource, stepWord } from './layers/noise.ts'
import { clipped, decayOf, optimizerOf, rateAt } from './optimizers/index.ts'
import { parameters } from './parameters.ts'
import { augmentOf, dropoutOf, isNoisy, rowOf, type TrainingSpec } from './spec.ts'

/** One tensor that training carries from step to step: a parameter, or the optimizer's. */
export interface StateTensor {
  /** `0.weight` for a parameter, `0.weight/momentum` for what the optimizer keeps beside it. */
  name: string
  shape: number[]
}

/** Everything a run carries: the parameters first, then the optimizer's state (zero at the start). */
export function stateOf(spec: TrainingSpec): { weights: StateTensor[]; optimizer: StateTensor[] } {
  const weights = parameters(spec).map(({ name, shape }) => ({ name, shape }))
  const { perParameter, scalars } = optimizerOf(spec.optimizer)
  const beside = weights.flatMap(({ name, shape }) =>
    perParameter.map(s => ({ name: `${name}/${s}`, shape })),
  )
  return { weights, optimizer: [...beside, ...scalars.map(name => ({ name, shape: [] }))] }
}

/**
 * The training graph: `steps` optimizer steps in one run. Inputs: `steps` (i64), `first` (i64, steps of the job before
 * these), `batches` (i32 [steps, batch], rows of each batch), with dropout or augmentation `seed` (i32, a `seedWord`), the
 * data `x` and `y`, and the state as `in/NAME` and a frozen base as `frozenInputs` says;
 * outputs: the state as `out/NAME` and `losses` (f32 [steps], each before its step).
 * @param microBatch  rows that go through the model at a time, a divisor of the batch: less memory, the same gradients
 *   but for rounding
 * @param general  without the faster ways of some operations, see `Graph`
 */
export function trainingGraph(
  spec: TrainingSpec,
  { microBatch = spec.batch, general = false }: { microBatch?: number; general?: boolean } = {},
): Graph {
  const graph = new Graph(undefined, { general })
  const steps = graph.input('steps', 'i64', [])
  const first = graph.input('first', 'i64', [])
  const batches = graph.input('batches', 'i32', ['steps', spec.batch])
  const seed = isNoisy(spec) ? graph.input('seed', 'i32', []) : undefined
  const row = rowOf(spec)
  const x = graph.input('x', row.x.dtype, ['rows', ...row.x.shape])
  const y = graph.input('y', row.y.dtype, ['rows', ...row.y.shape])
  const base = frozenInputs(graph, spec)
  const state = stateOf(spec)
  const carried = [...state.weights, ...state.optimizer].map(({ name, shape }) => ({
    name,
    start: graph.input(`in/${name}`, 'f32', shape),
  }))
  const results = loop(steps, carried, ['loss'], 'steps', (_, step, values) => {
    const at = add(first, step)
    const word = seed && stepWord(seed, at)
    const batch = { x, y, base, rows: gather(batches, step), microBatch, word }
    return trainingStep(spec, at, batch, values)
  })
  for (const [i, { name }] of carried.entries()) {
    const value = results.carried[i]
    if (value) graph.output(`out/${name}`, value)
  }
  const [losses] = results.collected
  if (losses) graph.output('losses', losses)
  return graph
}

interface Batch {
  /** The whole dataset. */
  x: Value
  y: Value
  /** What is not trained. */
  base: ReadonlyMap<string, Frozen>
  /** i32 `[batch]` */
  rows: Value
  microBatch: number
  /** Of its noise, if the spec has some; see `stepWord`. */
  word: Value | undefined
}

/** One step on one batch: loss, gradients, optimizer. @param carried  weights, then the optimizer's state */
function trainingStep(spec: TrainingSpec, step: Value, batch: Batch, carried: readonly Value[]) {
  const weights = carried.slice(0, stateOf(spec).weights.length)
  const { loss, slopes } = batchGradients(spec, batch, weights)
  return { next: optimized(spec, step, slopes, carried), collect: [loss] }
}

/** Mean loss of a batch and its gradients. */
function batchGradients(spec: TrainingSpec, batch: Batch, weights: readonly Value[]) {
  const { rows, microBatch, word } = batch
  if (microBatch < spec.batch) return accumulated(spec, batch, weights)
  const noise = word && { word, rows: microBatch }
  const total = totalLoss(spec, batch, rows, noise, weights)
  const loss = rows.graph.scope('loss', () => mean(total))
  return { loss, slopes: gradients(loss, weights) }
}

/** Of some rows of the dataset. */
function totalLoss(
  spec: TrainingSpec,
  { x, y, base }: Batch,
  rows: Value,
  noise: NoiseSource | undefined,
  weights: readonly Value[],
): Total {
  const part = dropoutOf(spec)
  const dropout = noise && part > 0 ? new Dropout(noise, part) : undefined
  const net = trainedNet(rows.graph, spec, weights, base, dropout)
  const prediction = forward(spec, seen(spec, gather(x, rows), noise), net)
  return rows.graph.scope('loss', () => lossOf(spec, prediction, gather(y, rows)))
}

/** Rows of a batch as they are learned from. */
function seen(spec: TrainingSpec, x: Value, noise: NoiseSource | undefined): Value {
  const augment = augmentOf(spec)
  return augment && noise ? augmented(x, augment, noise) : x
}

/** The same, a part of the batch at a time: sums of losses and gradients, divided at the end. */
function accumulated(spec: TrainingSpec, batch: Batch, weights: readonly Value[]) {
  const { rows, microBatch, word } = batch
  const { graph } = rows
  const parts = spec.batch / microBatch
  if (!Number.isInteger(parts)) throw new RangeError(`${microBatch} does not divide a batch of ${spec.batch}`)
  const chunks = reshape(rows, [parts, microBatch])
  const sums = ['loss/sum', 'loss/count'].map(name => ({ name, start: graph.scalar('f32', 0) }))
  const slopes = weights.map(w => ({
    name: `${w.name}/slope`,
    start: zerosLike(w),
  }))
  const results = loop(
    graph.scalar('i64', parts),
    [...sums, ...slopes],
    [],
    parts,
    (_, i, [loss0, count0, ...slopes0]) => {
      // Places of rows count in the whole batch: what is drawn does not depend on the parts.
      const noise = word && { word, rows: microBatch, first: mul(cast(i, { to: 'i32' }), microBatch) }
      const { sum, count } = totalLoss(spec, batch, gather(chunks, i), noise, weights)
      const added = gradients(sum, weights).map((slope, w) => add(slopes0[w]!, slope))
      return { next: [add(loss0!, sum), add(count0!, count), ...added], collect: [] }
    },
    'micro/',
  )
  const [sum, count, ...totals] = results.carried
  return { loss: mean({ sum: sum!, count: count! }), slopes: totals.map(total => div(total, count!)) }
}

/** What the carried values become, given the gradients of the weights. */
function optimized(spec: TrainingSpec, step: Value, slopes: Value[], carried: readonly Value[]): Value[] {
  const config = spec.optimizer
  return step.graph.scope(config.name, () => {
    const { perParameter, scalars, begin } = optimizerOf(config)
    const begun = begin(rateAt(config, step), carried.slice(carried.length - scalars.length))
    const directions = config.clip === undefined ? slopes : clipped(slopes, config.clip)
    const updated = directions.map((gradient, i) => {
      const weight = carried[i]!
      const from = slopes.length + i * perParameter.length
      const beside = carried.slice(from, from + perParameter.length)
      return begun.update(weight, gradient, beside, decayOf(config, weight.shape.map(Number)))
    })
    return [...updated.map(u => u.weight), ...updated.flatMap(u => u.state), ...begun.scalars]
  })
}

/** Cross-entropy in nats, or squared error, over a batch. */
export function lossOf(spec: TrainingSpec, prediction: Value, y: Value): Total {
  const { smoothing = 0 } = spec
  if (spec.task === 'language') {
    const [n, positions, vocabulary] = fixed(prediction.shape) as [number, number, number] // as `rowOf` says
    const logits = reshape(prediction, [n * positions, vocabulary])
    return crossEntropy(logits, reshape(y, [n * positions]), { smoothing, masked: spec.masked ?? false })
  }
  if (spec.task === 'regression') return squaredError(prediction, y)
  const { classWeights } = spec
  return crossEntropy(prediction, y, { smoothing, ...(classWeights && { classWeights }) })
}
