import { accumulate, add, mul, type Operand, sub, type Value } from '../graph/index.ts'
import type { SgdConfig } from './config.ts'
import type { Optimizer } from './optimizer.ts'

/**
 * Stochastic gradient descent with momentum and L2 decay, as PyTorch's `SGD`:
 * `g ← g + λ·w`, `v ← μ·v + g`, `w ← w − η·v`; with Nesterov's momentum `w ← w − η·(g + μ·v)`.
 */
export function sgd({ momentum, nesterov = false }: SgdConfig): Optimizer {
  if (momentum === 0)
    return {
      perParameter: [],
      scalars: [],
      begin: rate => ({
        scalars: [],
        update: (w, g, _, decay) => ({ weight: descend(decayed(w, rate, decay), g, rate), state: [] }),
      }),
    }
  return {
    perParameter: ['momentum'],
    scalars: [],
    begin: rate => ({
      scalars: [],
      update(w, g, [v], decay) {
        if (!v) throw new TypeError('momentum is missing')
        const pulled = accumulate(v, momentum, g, 1)
        const velocity = decay === 0 ? pulled : add(pulled, mul(w, decay))
        if (!nesterov) return { weight: descend(w, velocity, rate), state: [velocity] }
        const ahead = accumulate(mul(velocity, momentum), 1, g, 1)
        return { weight: descend(decayed(w, rate, decay), ahead, rate), state: [velocity] }
      },
    }),
  }
}

const descend = (w: Value, direction: Value, rate: Operand): Value =>
  typeof rate === 'number' ? accumulate(w, 1, direction, -rate) : sub(w, mul(direction, rate))

/** `w · (1 − η·λ)`, what both L2 in plain descent and decoupled decay come to. */
export function decayed(w: Value, rate: Operand, decay: number): Value {
  if (decay === 0) return w
  return mul(w, typeof rate === 'number' ? 1 - rate * decay : sub(1, mul(rate, decay)))
}
