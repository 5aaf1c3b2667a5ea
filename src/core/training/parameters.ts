import { seeded } from './random.ts'
import { type TrainingSpec, widths } from './spec.ts'
import { elements, f32, type Tensors } from './tensor.ts'

export interface Parameter {
  /** As in a PyTorch `nn.Sequential` of `Linear` and `ReLU`: `0.weight`, `0.bias`, `2.weight`, … */
  name: string
  /** `[out, in]` for a weight, `[out]` for a bias. */
  shape: number[]
}

/** The model's parameters, in the order in which files list them. */
export function parameters(spec: Pick<TrainingSpec, 'model'>): Parameter[] {
  const w = widths(spec.model)
  return w.slice(1).flatMap((out, layer) => [
    { name: `${2 * layer}.weight`, shape: [out, w[layer] ?? 0] },
    { name: `${2 * layer}.bias`, shape: [out] },
  ])
}

export function parameterCount(spec: Pick<TrainingSpec, 'model'>): number {
  return parameters(spec).reduce((sum, p) => sum + elements(p.shape), 0)
}

/**
 * Initial weights, uniform in ±1/√fan_in for weights and biases, as PyTorch's `nn.Linear` draws them (He et al. 2015
 * with a = √5). The same seed gives the same bytes on every machine.
 */
export function initialWeights(spec: Pick<TrainingSpec, 'model'>, seed: number): Tensors {
  const random = seeded(seed)
  const w = widths(spec.model)
  return new Map(
    parameters(spec).map(({ name, shape }, i) => {
      const bound = 1 / Math.sqrt(w[i >> 1] ?? 1)
      const data = Float32Array.from({ length: elements(shape) }, () => (2 * random.float() - 1) * bound)
      return [name, f32(shape, data)]
    }),
  )
}
