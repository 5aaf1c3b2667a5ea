import { widthsOf } from '../models/mlp.ts'
import { parameters } from '../parameters.ts'
import type { TrainingSpec } from '../spec.ts'
import { floats, type Tensors } from '../tensor.ts'

export type MlpSpec = Extract<TrainingSpec, { recipe: 'mlp' }>

/** A batch in plain numbers: `x` `[rows, inputs]` as the model sees it, `y` classes or `[rows, outputs]`. */
export interface PlainBatch {
  x: Float64Array
  y: Float64Array
}

/**
 * Gradients of the loss by central differences of a second, plain implementation in double precision: slow, obvious,
 * and what engines are tested against.
 */
export function referenceGradients(
  spec: MlpSpec,
  weights: Tensors,
  batch: PlainBatch,
): Map<string, Float64Array> {
  const plain = new Map([...weights].map(([name, tensor]) => [name, Float64Array.from(floats(tensor))]))
  return new Map(
    parameters(spec).map(({ name }) => {
      const values = plain.get(name) ?? new Float64Array(0)
      const at = (i: number, moved: number) => {
        const before = values[i] ?? 0
        values[i] = before + moved
        const loss = referenceLoss(spec, plain, batch)
        values[i] = before
        return loss
      }
      return [name, values.map((_, i) => (at(i, 1e-5) - at(i, -1e-5)) / 2e-5)]
    }),
  )
}

/** Mean loss of a multi-layer perceptron over a batch. */
export function referenceLoss(
  spec: MlpSpec,
  weights: Map<string, Float64Array>,
  { x, y }: PlainBatch,
): number {
  const layers = widthsOf(spec.model)
  const [inputs = 1] = layers
  const { outputs } = spec.model
  const rows = x.length / inputs
  let total = 0
  for (let row = 0; row < rows; row++) {
    let h = x.slice(row * inputs, (row + 1) * inputs)
    for (let layer = 0; layer + 1 < layers.length; layer++) {
      const w = weights.get(`${2 * layer}.weight`) ?? new Float64Array(0)
      const b = weights.get(`${2 * layer}.bias`) ?? new Float64Array(0)
      const last = layer + 2 === layers.length
      const z = b.map((bias, o) =>
        h.reduce((sum, value, i) => sum + value * (w[o * h.length + i] ?? 0), bias),
      )
      h = last ? z : z.map(value => Math.max(0, value))
    }
    if (spec.task === 'classification') {
      const largest = Math.max(...h)
      total +=
        largest + Math.log(h.reduce((sum, z) => sum + Math.exp(z - largest), 0)) - (h[y[row] ?? 0] ?? 0)
    } else total += h.reduce((sum, z, o) => sum + (z - (y[row * outputs + o] ?? 0)) ** 2, 0) / outputs
  }
  return total / rows
}
