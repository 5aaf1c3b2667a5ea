import { adamw } from './adamw.ts'
import type { OptimizerConfig } from './config.ts'
import type { Optimizer } from './optimizer.ts'
import { sgd } from './sgd.ts'

export { clipped } from './clip.ts'
export type { OptimizerConfig } from './config.ts'
export type { Optimizer } from './optimizer.ts'
export { rateAt } from './schedule.ts'

export const optimizerOf = (config: OptimizerConfig): Optimizer =>
  config.name === 'sgd' ? sgd(config) : adamw(config)

/** λ of a parameter of this shape. */
export const decayOf = (
  { weightDecay, decayed = 'all' }: OptimizerConfig,
  shape: readonly number[],
): number => (decayed === 'all' || shape.length >= 2 ? weightDecay : 0)
