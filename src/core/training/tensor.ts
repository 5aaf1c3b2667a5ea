/** The element types that safetensors files of ours may hold, by safetensors' own names. */
export const ARRAYS = {
  F64: Float64Array,
  F32: Float32Array,
  /** Raw bits: JavaScript's Float16Array is not in every runtime we run on. */
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const

export type TensorType = keyof typeof ARRAYS
export type TensorData =
  | Float64Array
  | Float32Array
  | Uint16Array
  | BigInt64Array
  | Int32Array
  | Int8Array
  | Uint8Array

/** A dense, row-major array in memory. */
export interface Tensor {
  dtype: TensorType
  shape: readonly number[]
  data: TensorData
}

/** Named tensors, in the order of the model's parameters. */
export type Tensors = Map<string, Tensor>

export const itemSize = (dtype: TensorType): number => ARRAYS[dtype].BYTES_PER_ELEMENT

export const elements = (shape: readonly number[]): number => shape.reduce((product, d) => product * d, 1)

export const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i])

/** A float32 tensor over `data`, which is not copied. */
export const f32 = (shape: readonly number[], data: Float32Array): Tensor => ({ dtype: 'F32', shape, data })

/** @throws TypeError when the tensor is not float32: callers check files before they come here */
export function floats(tensor: Tensor): Float32Array {
  if (tensor.data instanceof Float32Array) return tensor.data
  throw new TypeError(`expected float32 values, found ${tensor.dtype}`)
}

/** One of several tensors. @throws RangeError when there is none of that name */
export function named(tensors: Tensors, name: string): Tensor {
  const tensor = tensors.get(name)
  if (!tensor) throw new RangeError(`the weights lack "${name}"`)
  return tensor
}
