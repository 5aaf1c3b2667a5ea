import { add, cast, cos, div, less, mul, type Operand, sub, type Value, where } from '../graph/index.ts'
import type { OptimizerConfig } from './config.ts'

/**
 * η of a step: the configured one, or what the schedule makes of it, computed in the graph. Warm-up is nanoGPT's:
 * step t of `warmup` has η · (t + 1) / (warmup + 1).
 * @param step  i64 scalar, counted from the beginning of the job
 */
export function rateAt({ learningRate, schedule }: OptimizerConfig, step: Value): Operand {
  if (!schedule) return learningRate
  const { warmup, steps, least } = schedule
  const t = cast(step, { to: 'f32' })
  const rising = div(add(t, 1), warmup + 1)
  const way = div(sub(t, warmup), steps - warmup)
  const ended = where(less(way, 1), way, 1)
  const falling = add(mul(add(cos(mul(ended, Math.PI)), 1), (1 - least) / 2), least)
  return mul(where(less(t, warmup), rising, falling), learningRate)
}
