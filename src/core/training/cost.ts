import { type Bytes, bytes, type Flops } from '../../shared/units.ts'
import { flopsOf, workingSet } from './graph/index.ts'
import { rowOf, type TrainingSpec } from './spec.ts'
import { stateOf, trainingGraph } from './step.ts'
import { elements } from './tensor.ts'

/**
 * Floating-point operations of one optimizer step, counted from the products in its graph (a multiply-add is two). Those
 * of the definitions: a job's price must not depend on which way of computing is fastest.
 */
export function flopsPerStep(spec: TrainingSpec): Flops {
  return flopsOf(trainingGraph(spec, { general: true }))
}

/** Node and ONNX Runtime, measured with a model of a few parameters. */
const RUNTIME = 144 * 1024 * 1024
/** The state as the call's input, twice in the loop, as the result, and in temporaries: measured. */
const COPIES = 6

/** Memory that a process needs at its peak to train: an estimate from the graph's shapes, rather too high. */
export function memoryOf(spec: TrainingSpec, rows: number): Bytes {
  const { weights, optimizer } = stateOf(spec)
  const state = [...weights, ...optimizer].reduce((sum, { shape }) => sum + 4 * elements(shape), 0)
  const row = Object.values(rowOf(spec)).reduce(
    (sum, { dtype, shape }) => sum + (dtype === 'u8' ? 1 : 4) * elements(shape),
    0,
  )
  // Without an optimizer's temporaries, which reuse one another's memory: activations, their gradients, new weights.
  const plain = { name: 'sgd', learningRate: 1, momentum: 0, weightDecay: 0 } as const
  const step = workingSet(trainingGraph({ ...spec, optimizer: plain }))
  return bytes(RUNTIME + rows * row + COPIES * state + step)
}
