import type { Value } from '../graph/index.ts'

/** How gradients become new weights. All state is zero at the start and lives in the graph from step to step. */
export interface Optimizer {
  /** Names of the tensors kept for every parameter, each of its shape. */
  readonly perParameter: readonly string[]
  /** Names of the scalars kept once. */
  readonly scalars: readonly string[]
  /** @param scalars  as the last step left them */
  begin(scalars: readonly Value[]): OptimizerStep
}

export interface OptimizerStep {
  scalars: readonly Value[]
  /** @param state  the parameter's tensors, in the order of `perParameter` */
  update(weight: Value, gradient: Value, state: readonly Value[]): { weight: Value; state: readonly Value[] }
}
