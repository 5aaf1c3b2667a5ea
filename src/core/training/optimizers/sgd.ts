import { accumulate, add, mul } from '../graph/index.ts'
import type { TrainingSpec } from '../spec.ts'
import type { Optimizer } from './optimizer.ts'

type Sgd = Extract<TrainingSpec['optimizer'], { name: 'sgd' }>

/**
 * Stochastic gradient descent with momentum and L2 decay, as PyTorch's `SGD`:
 * `v ← μ·v + g + λ·w`, `w ← w − η·v`.
 */
export function sgd({ learningRate, momentum, weightDecay }: Sgd): Optimizer {
  if (momentum === 0)
    return {
      perParameter: [],
      scalars: [],
      begin: () => ({
        scalars: [],
        update: (w, g) => ({
          weight: accumulate(w, 1 - learningRate * weightDecay, g, -learningRate),
          state: [],
        }),
      }),
    }
  return {
    perParameter: ['momentum'],
    scalars: [],
    begin: () => ({
      scalars: [],
      update(w, g, [v]) {
        if (!v) throw new TypeError('momentum is missing')
        const pulled = accumulate(v, momentum, g, 1)
        const velocity = weightDecay === 0 ? pulled : add(pulled, mul(w, weightDecay))
        return { weight: accumulate(w, 1, velocity, -learningRate), state: [velocity] }
      },
    }),
  }
}
