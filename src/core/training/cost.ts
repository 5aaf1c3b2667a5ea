import type { Flops } from '../../shared/units.ts'
import { flopsOf } from './graph/index.ts'
import type { TrainingSpec } from './spec.ts'
import { trainingGraph } from './step.ts'

/**
 * Floating-point operations of one optimizer step, counted from the products in its graph (a multiply-add is two). Those
 * of the definitions: a job's price must not depend on which way of computing is fastest.
 */
export function flopsPerStep(spec: TrainingSpec): Flops {
  return flopsOf(trainingGraph(spec, { general: true }))
}
