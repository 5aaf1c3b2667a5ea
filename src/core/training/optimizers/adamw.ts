import { add, div, mul, sqrt, sub } from '../graph/index.ts'
import type { TrainingSpec } from '../spec.ts'
import type { Optimizer } from './optimizer.ts'

type AdamW = Extract<TrainingSpec['optimizer'], { name: 'adamw' }>

/**
 * AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2) with PyTorch's decoupled decay `w ← w − η·λ·w`.
 *
 * The moments are kept as sums `Σ βᵏ·g` and not as averages. Divided by `Σ βᵏ`, the same sum over the constant 1, they
 * are Adam's bias-corrected moments: two passes over the weights fewer, and no `1 − βᵗ`, which loses four digits of a
 * float32 in the first steps.
 */
export function adamw({ learningRate, beta1, beta2, epsilon, weightDecay }: AdamW): Optimizer {
  return {
    perParameter: ['m', 'v'],
    scalars: ['ones1', 'ones2'],
    begin([before1, before2]) {
      if (!before1 || !before2) throw new TypeError('the sums over ones are missing')
      const ones1 = add(mul(before1, beta1), 1)
      const ones2 = add(mul(before2, beta2), 1)
      // η · (m/ones₁) / (√(v/ones₂) + ε), with both divisions moved into scalars, which cost nothing.
      const root = sqrt(ones2)
      const rate = div(mul(root, learningRate), ones1)
      const floor = mul(root, epsilon)
      return {
        scalars: [ones1, ones2],
        update(w, g, [m0, v0]) {
          if (!m0 || !v0) throw new TypeError('the moments are missing')
          const m = add(mul(m0, beta1), g)
          const v = add(mul(v0, beta2), mul(g, g))
          const kept = weightDecay === 0 ? w : mul(w, 1 - learningRate * weightDecay)
          return { weight: sub(kept, mul(div(m, add(sqrt(v), floor)), rate)), state: [m, v] }
        },
      }
    },
  }
}
