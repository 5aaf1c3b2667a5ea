import { forward, named } from './forward.ts'
import { crossEntropy, Graph, gather, gradients, loop, meanSquaredError, type Value } from './graph/index.ts'
import { optimizerOf } from './optimizers/index.ts'
import { parameters } from './parameters.ts'
import type { TrainingSpec } from './spec.ts'

/** One tensor that training carries from step to step: a parameter, or the optimizer's. */
export interface StateTensor {
  /** `0.weight` for a parameter, `0.weight/momentum` for what the optimizer keeps beside it. */
  name: string
  shape: number[]
}

/** Everything a run carries: the parameters first, then the optimizer's state (zero at the start). */
export function stateOf(spec: TrainingSpec): { weights: StateTensor[]; optimizer: StateTensor[] } {
  const weights = parameters(spec)
  const { perParameter, scalars } = optimizerOf(spec)
  const beside = weights.flatMap(({ name, shape }) =>
    perParameter.map(s => ({ name: `${name}/${s}`, shape })),
  )
  return { weights, optimizer: [...beside, ...scalars.map(name => ({ name, shape: [] }))] }
}

/**
 * The training graph: `steps` optimizer steps in one run. Inputs: `steps` (i64), `batches` (i32 [steps, batch], rows
 * of each batch), the data `x` and `y`, and the state as `in/NAME`; outputs: the state as `out/NAME` and `losses`
 * (f32 [steps], each before its step).
 */
export function trainingGraph(spec: TrainingSpec): Graph {
  const graph = new Graph()
  const { model, task, input, batch } = spec
  const steps = graph.input('steps', 'i64', [])
  const batches = graph.input('batches', 'i32', ['steps', batch])
  const x = graph.input('x', input.dtype, ['rows', model.inputs])
  const y =
    task === 'classification'
      ? graph.input('y', 'i32', ['rows'])
      : graph.input('y', 'f32', ['rows', model.outputs])
  const state = stateOf(spec)
  const carried = [...state.weights, ...state.optimizer].map(({ name, shape }) => ({
    name,
    start: graph.input(`in/${name}`, 'f32', shape),
  }))
  const results = loop(steps, carried, ['loss'], 'steps', (_, step, values) => {
    const rows = gather(batches, step)
    return trainingStep(spec, gather(x, rows), gather(y, rows), values)
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
function trainingStep(spec: TrainingSpec, x: Value, y: Value, carried: readonly Value[]) {
  const { weights: declared, optimizer: kept } = stateOf(spec)
  const weights = carried.slice(0, declared.length)
  const optimizer = optimizerOf(spec)
  const prediction = forward(spec, x, named(weights.map((w, i) => [declared[i]?.name ?? '', w])))
  const loss = x.graph.scope('loss', () => lossOf(spec, prediction, y))
  const slopes = gradients(loss, weights)
  return x.graph.scope(spec.optimizer.name, () => {
    const beside = optimizer.perParameter.length
    const scalars = carried.slice(declared.length + kept.length - optimizer.scalars.length)
    const begun = optimizer.begin(scalars)
    const updated = weights.map((weight, i) => {
      const from = declared.length + i * beside
      return begun.update(weight, slopes[i]!, carried.slice(from, from + beside))
    })
    const next = [...updated.map(u => u.weight), ...updated.flatMap(u => u.state), ...begun.scalars]
    return { next, collect: [loss] }
  })
}

/** Mean cross-entropy in nats, or mean squared error. */
export function lossOf(spec: Pick<TrainingSpec, 'task'>, prediction: Value, y: Value): Value {
  return spec.task === 'classification' ? crossEntropy(prediction, y) : meanSquaredError(prediction, y)
}
