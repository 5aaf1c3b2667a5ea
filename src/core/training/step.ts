import { forward } from './forward.ts'
import {
  add,
  crossEntropy,
  fixed,
  Graph,
  gather,
  gradients,
  loop,
  mean,
  reshape,
  squaredError,
  type Total,
  type Value,
} from './graph/index.ts'
import { netOf } from './layers/net.ts'
import { clipped, decayOf, optimizerOf, rateAt } from './optimizers/index.ts'
import { parameters } from './parameters.ts'
import { rowOf, type TrainingSpec } from './spec.ts'

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
 * these), `batches` (i32 [steps, batch], rows of each batch), the data `x` and `y`, and the state as `in/NAME`;
 * outputs: the state as `out/NAME` and `losses` (f32 [steps], each before its step).
 */
export function trainingGraph(spec: TrainingSpec): Graph {
  const graph = new Graph()
  const steps = graph.input('steps', 'i64', [])
  const first = graph.input('first', 'i64', [])
  const batches = graph.input('batches', 'i32', ['steps', spec.batch])
  const row = rowOf(spec)
  const x = graph.input('x', row.x.dtype, ['rows', ...row.x.shape])
  const y = graph.input('y', row.y.dtype, ['rows', ...row.y.shape])
  const state = stateOf(spec)
  const carried = [...state.weights, ...state.optimizer].map(({ name, shape }) => ({
    name,
    start: graph.input(`in/${name}`, 'f32', shape),
  }))
  const results = loop(steps, carried, ['loss'], 'steps', (_, step, values) => {
    const rows = gather(batches, step)
    return trainingStep(spec, add(first, step), gather(x, rows), gather(y, rows), values)
  })
  for (const [i, { name }] of carried.entries()) {
    const value = results.carried[i]
    if (value) graph.output(`out/${name}`, value)
  }
  const [losses] = results.collected
  if (losses) graph.output('losses', losses)
  return graph
}

/** One step on one batch: loss, gradients, optimizer. @param carried  weights, then the optimizer's state */
function trainingStep(spec: TrainingSpec, step: Value, x: Value, y: Value, carried: readonly Value[]) {
  const { weights: declared } = stateOf(spec)
  const weights = carried.slice(0, declared.length)
  const prediction = forward(spec, x, netOf(weights.map((w, i) => [declared[i]?.name ?? '', w])))
  const loss = x.graph.scope('loss', () => mean(lossOf(spec, prediction, y)))
  const next = optimized(spec, step, gradients(loss, weights), carried)
  return { next, collect: [loss] }
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
