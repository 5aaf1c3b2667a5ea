import type { Operand, Value } from '../graph/index.ts'

/** How gradients become new weights. All state is zero at the start and lives in the graph from step to step. */
export interface Optimizer {
  /** Names of the tensors kept for every parameter, each of its shape. */
  readonly perParameter: readonly string[]
  /** Names of the scalars kept once. */
  readonly scalars: readonly string[]
  /**
   * @param rate  η of this step: a number, or a scalar that the schedule computes
   * @param scalars  as the last step left them
   */
  begin(rate: Operand, scalars: readonly Value[]): OptimizerStep
}

export interface OptimizerStep {
  scalars: readonly Value[]
  /**
   * @param state  the parameter's tensors, in the order of `perParameter`
   * @param decay  λ of this parameter; 0 when it is not to decay
   */
  update(
    weight: Value,
    gradient: Value,
    state: readonly Value[],
    decay: number,
  ): { weight: Value; state: readonly Value[] }
}
