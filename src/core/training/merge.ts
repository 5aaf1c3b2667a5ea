import { adaptedLayers, adapterNames } from './layers/lora.ts'
import { type Architecture, modelOf } from './models/index.ts'
import { f32, floats, named, type Tensor, type Tensors } from './tensor.ts'

/**
 * A model without adapters that computes what the base computes with them: `W + B · A · alpha / rank` (Hu et al. 2021,
 * section 4.1).
 * @param base  all of it, f32; it becomes the result, for two would not fit where one does
 * @param adapters  of `architecture.adapter`, f32
 */
export function mergeAdapter(architecture: Architecture, base: Tensors, adapters: Tensors): Tensors {
  const { adapter } = architecture
  if (!adapter) throw new TypeError('there is no adapter to merge')
  for (const { module, transposed = false } of adaptedLayers(modelOf(architecture).frozen, adapter)) {
    const name = `${module}.weight`
    const { a, b } = adapterNames(module)
    const [down, up] = [named(adapters, a), named(adapters, b)]
    // GPT-2's linear layers lie the other way round, and so does the product: Aᵀ · Bᵀ.
    const [left, right] = transposed ? [turned(down), turned(up)] : [up, down]
    addProduct(floats(named(base, name)), left, right, adapter.alpha / adapter.rank)
  }
  return base
}

/** `sum += scale · left · right`: `[rows, columns]`, `[rows, rank]`, `[rank, columns]` */
function addProduct(sum: Float32Array, left: Tensor, right: Tensor, scale: number): void {
  const [rank = 0, columns = 0] = right.shape
  const [l, r] = [floats(left), floats(right)]
  for (let row = 0; row < sum.length / columns; row++)
    for (let k = 0; k < rank; k++) {
      const factor = scale * l[row * rank + k]!
      for (let column = 0; column < columns; column++)
        sum[row * columns + column]! += factor * r[k * columns + column]!
    }
}

/** `[m, n]` → `[n, m]` */
function turned(matrix: Tensor): Tensor {
  const [m = 0, n = 0] = matrix.shape
  const data = floats(matrix)
  return f32(
    [n, m],
    data.map((_, at) => data[(at % m) * n + Math.floor(at / m)]!),
  )
}
