import { widthsOf } from '../models/mlp.ts'
import { dropoutMask } from '../noise.ts'
import { parameters } from '../parameters.ts'
import type { TrainingSpec } from '../spec.ts'
import { floats, type Tensors } from '../tensor.ts'

export type MlpSpec = Extract<TrainingSpec, { recipe: 'mlp' }>

/** A batch in plain numbers: `x` `[rows, inputs]` as the model sees it, `y` classes or `[rows, outputs]`. */
export interface PlainBatch {
  x: Float64Array
  y: Float64Array
  /** Of each hidden layer `[rows, width]`, what its values are multiplied by; none without dropout. */
  masks?: readonly Float32Array[]
}

/** What dropout does to the hidden layers in the first step of a run. */
export const firstMasks = ({ model, batch, dropout = 0 }: MlpSpec, seed: number): Float32Array[] =>
  model.hidden.map((width, place) => dropoutMask({ seed, step: 0, place }, batch, width, dropout))

/** A picture `[channels, h, w]` seen from its corner in a frame of zeros, and then in a mirror. @param draws  see `outcomes` */
export function movedPicture<A extends Float32Array | Uint8Array>(
  picture: A,
  [channels, h, w]: readonly [channels: number, height: number, width: number],
  [mirrored = 0, down = 0, left = 0]: ArrayLike<number> & Iterable<number>,
  crop = 0,
): A {
  const pixel = (c: number, y: number, x: number) =>
    y < 0 || y >= h || x < 0 || x >= w ? 0 : (picture[(c * h + y) * w + x] ?? Number.NaN)
  const moved = picture.slice() as A // `slice` of a typed array gives one of its own kind
  for (let i = 0; i < channels * h * w; i++) {
    const [c, y, x] = [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w]
    moved[i] = pixel(c, y + down - crop, (mirrored ? w - 1 - x : x) + left - crop)
  }
  return moved
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
  { x, y, masks }: PlainBatch,
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
      const mask = masks?.[layer]
      h = last
        ? z
        : z.map((value, o) => Math.max(0, value) * (mask ? (mask[row * z.length + o] ?? Number.NaN) : 1))
    }
    if (spec.task === 'classification') {
      const largest = Math.max(...h)
      total +=
        largest + Math.log(h.reduce((sum, z) => sum + Math.exp(z - largest), 0)) - (h[y[row] ?? 0] ?? 0)
    } else total += h.reduce((sum, z, o) => sum + (z - (y[row * outputs + o] ?? 0)) ** 2, 0) / outputs
  }
  return total / rows
}
