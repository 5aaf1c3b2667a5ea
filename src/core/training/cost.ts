import { type Bytes, bytes, type Flops } from '../../shared/units.ts'
import { flopsOf, workingSet } from './graph/index.ts'
import type { TrainingSpec } from './spec.ts'
import { stateOf, trainingGraph } from './step.ts'
import { elements } from './tensor.ts'

/** Floating-point operations of one optimizer step, counted from the products in its graph (a multiply-add is two). */
export function flopsPerStep(spec: TrainingSpec): Flops {
  return flopsOf(trainingGraph(spec))
}

/** Node and ONNX Runtime with nothing loaded. */
const RUNTIME = 96 * 1024 * 1024

/** Memory that training needs at its peak: an estimate from the graph's shapes, on the safe side. */
export function memoryOf(spec: TrainingSpec, rows: number): Bytes {
  const { weights, optimizer } = stateOf(spec)
  const state = [...weights, ...optimizer].reduce((sum, { shape }) => sum + 4 * elements(shape), 0)
  const { model, task, input } = spec
  const row =
    model.inputs * (input.dtype === 'u8' ? 1 : 4) + (task === 'classification' ? 4 : 4 * model.outputs)
  // The state exists as the call's input, as what the loop carries in and out, and as the call's result.
  return bytes(RUNTIME + rows * row + 3 * state + workingSet(trainingGraph(spec)))
}
