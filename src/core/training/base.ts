import { UserError } from '../../shared/errors.ts'
import { toHalf } from './half.ts'
import type { Precision } from './layers/frozen.ts'
import { type Architecture, modelOf } from './models/index.ts'
import { openCheckpoint } from './pretrained.ts'
import { f32, type Tensor, type Tensors } from './tensor.ts'

/** How a weight of a frozen base is kept: only matrices are worth fewer bits. */
export const precisionOf = (shape: readonly number[], precision: Precision = 'f32'): Precision =>
  shape.length < 2 ? 'f32' : precision

/**
 * The base of an adapter, tensor by tensor in the precision that its spec asks for: f32, f16, or i8 with `NAME.scale`.
 * @param path  safetensors in any floating-point type, one file or several with an index, or the folder that holds them
 * @throws UserError `training/weights`, `training/safetensors`, `training/file`
 */
export async function readBase(architecture: Architecture, path: string): Promise<Tensors> {
  const checkpoint = await openCheckpoint(path, modelOf(architecture).frozen)
  try {
    const base: Tensors = new Map()
    for (const { name, shape } of modelOf(architecture).frozen) {
      const precision = precisionOf(shape, architecture.adapter?.base)
      const stored = await checkpoint.stored(name)
      if (precision === 'f16' && stored.dtype === 'F16') base.set(name, stored)
      else
        for (const [key, tensor] of narrowed(name, await checkpoint.read(name), precision))
          base.set(key, tensor)
    }
    return base
  } finally {
    await checkpoint.close()
  }
}

/** @returns the weight under its name and, of i8, its rows' scales under `NAME.scale` */
export function narrowed(
  name: string,
  tensor: Tensor & { data: Float32Array },
  to: Precision,
): [string, Tensor][] {
  const { shape, data } = tensor
  if (to === 'f32') return [[name, tensor]]
  if (to === 'f16') return [[name, { dtype: 'F16', shape, data: half(name, data) }]]
  const { values, scales } = rowsInBytes(data, shape[0] ?? 1)
  return [
    [name, { dtype: 'I8', shape, data: values }],
    [`${name}.scale`, f32([scales.length], scales)],
  ]
}

/** Rounding that keeps each row's largest number: `value ≈ byte · scale`. */
function rowsInBytes(data: Float32Array, rows: number): { values: Int8Array; scales: Float32Array } {
  const width = data.length / rows
  const values = new Int8Array(data.length)
  const scales = new Float32Array(rows)
  for (let row = 0; row < rows; row++) {
    let largest = 0
    for (let i = row * width; i < (row + 1) * width; i++) largest = Math.max(largest, Math.abs(data[i]!))
    const scale = Math.fround(largest / 127) || 1 // a row of zeros
    scales[row] = scale
    for (let i = row * width; i < (row + 1) * width; i++) values[i] = Math.round(data[i]! / scale)
  }
  return { values, scales }
}

function half(name: string, data: Float32Array): Uint16Array {
  const narrow = toHalf(data)
  if (!narrow.some(bits => (bits & 0x7c00) === 0x7c00)) return narrow
  throw new UserError('training/weights', {
    message: `"${name}" holds numbers beyond 65,504, which half precision cannot hold.`,
    fix: 'Keep the base in f32 or i8.',
  })
}
