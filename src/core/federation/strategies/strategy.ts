/** An accepted update in the order in which it is added up, so that the same round gives the same bytes. */
export interface Contribution {
  /** Safetensors file of θ_provider − θ_global. */
  path: string
  /** The samples that were assigned, never what the provider claims; less for an update that comes late. */
  weight: number
}

/**
 * How a round's updates become the next global weights (Flower's habit: one small class with the paper's name).
 * Server-side strategies differ in two places only: how much each update counts, and what is done with the weighted
 * mean, the pseudo-gradient of Reddi et al. 2021 (arXiv 2003.00295).
 */
export interface Strategy {
  /** The paper's name, in lower case. */
  readonly name: string
  /** The part of the mean that each contribution has; they add up to 1. */
  weigh(contributions: readonly Contribution[]): number[]
  /**
   * New values of one block of one tensor.
   * @param theta  the old global weights
   * @param mean   Σ weight · update, same length
   * @param at     which block it is, for strategies that keep state from round to round
   */
  step(theta: Float32Array, mean: Float32Array, at: { name: string; row: number }): Float32Array
}
