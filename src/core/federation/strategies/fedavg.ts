import type { Contribution, Strategy } from './strategy.ts'

/**
 * Federated averaging (McMahan et al. 2017, arXiv 1602.05629, algorithm 1): the mean of the clients' weights, weighted
 * by their samples; here of their differences from the same θ, which is the same mean.
 */
export class FedAvg implements Strategy {
  readonly name = 'fedavg'

  weigh(contributions: readonly Contribution[]): number[] {
    const total = contributions.reduce((sum, c) => sum + c.weight, 0)
    return contributions.map(c => c.weight / total)
  }

  step(theta: Float32Array, mean: Float32Array): Float32Array {
    return theta.map((x, i) => x + mean[i]!)
  }
}
