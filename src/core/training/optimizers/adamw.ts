import { accumulate, add, div, mul, sqrt, sub } from '../graph/index.ts'
import type { TrainingSpec } from '../spec.ts'
import type { Optimizer } from './optimizer.ts'

type AdamW = Extract<TrainingSpec['optimizer'], { name: 'adamw' }>

/**
 * AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2) with PyTorch's decoupled decay `w ← w − η·λ·w`.
 *
 * The bias corrections `1 − βᵗ` are the moments of the constant 1, so they are carried by the same recurrence as the
 * moments: in float32, `β^t` of the first steps would lose four digits.
 */
export function adamw({ learningRate, beta1, beta2, epsilon, weightDecay }: AdamW): Optimizer {
  return {
    perParameter: ['m', 'v'],
    scalars: ['correction1', 'correction2'],
    begin([before1, before2]) {
      if (!before1 || !before2) throw new TypeError('the bias corrections are missing')
      const correction1 = add(mul(before1, beta1), 1 - beta1)
      const correction2 = add(mul(before2, beta2), 1 - beta2)
      // η · (m/c₁) / (√(v/c₂) + ε) with both corrections moved into scalars, which cost nothing.
      const root = sqrt(correction2)
      const rate = div(mul(root, learningRate), correction1)
      const floor = mul(root, epsilon)
      return {
        scalars: [correction1, correction2],
        update(w, g, [m0, v0]) {
          if (!m0 || !v0) throw new TypeError('the moments are missing')
          const m = add(mul(m0, beta1), mul(g, 1 - beta1))
          const v = accumulate(v0, beta2, mul(g, g), 1 - beta2)
          const kept = weightDecay === 0 ? w : mul(w, 1 - learningRate * weightDecay)
          return { weight: sub(kept, mul(div(m, add(sqrt(v), floor)), rate)), state: [m, v] }
        },
      }
    },
  }
}
