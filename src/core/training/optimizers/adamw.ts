import { add, div, mul, sqrt, sub } from '../graph/index.ts'
import type { AdamWConfig } from './config.ts'
import type { Optimizer } from './optimizer.ts'
import { decayed } from './sgd.ts'

/**
 * AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2) with PyTorch's decoupled decay `w ← w − η·λ·w`.
 *
 * The moments are kept as sums `Σ βᵏ·g` and not as averages. Divided by `Σ βᵏ`, the same sum over the constant 1, they
 * are Adam's bias-corrected moments: two passes over the weights fewer, and no `1 − βᵗ`, which loses four digits of a
 * float32 in the first steps.
 */
export function adamw({ beta1, beta2, epsilon }: AdamWConfig): Optimizer {
  return {
    perParameter: ['m', 'v'],
    scalars: ['ones1', 'ones2'],
    begin(rate, [before1, before2]) {
      if (!before1 || !before2) throw new TypeError('the sums over ones are missing')
      const ones1 = add(mul(before1, beta1), 1)
      const ones2 = add(mul(before2, beta2), 1)
      // η · (m/ones₁) / (√(v/ones₂) + ε), with both divisions moved into scalars, which cost nothing.
      const root = sqrt(ones2)
      const length = div(mul(root, rate), ones1)
      const floor = mul(root, epsilon)
      return {
        scalars: [ones1, ones2],
        update(w, g, [m0, v0], decay) {
          if (!m0 || !v0) throw new TypeError('the moments are missing')
          const m = add(mul(m0, beta1), g)
          const v = add(mul(v0, beta2), mul(g, g))
          const step = mul(div(m, add(sqrt(v), floor)), length)
          return { weight: sub(decayed(w, rate, decay), step), state: [m, v] }
        },
      }
    },
  }
}
