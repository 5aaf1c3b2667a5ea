import type { Parameter } from './models/index.ts'
import { type Tensor as OrtTensor, ort } from './onnxruntime.ts'
import { f32, named, type Tensor, type Tensors } from './tensor.ts'

/** Our tensor as ONNX Runtime's, over the same memory. */
export function toOrt({ dtype, shape, data }: Tensor): OrtTensor {
  if (dtype === 'F32' && data instanceof Float32Array) return new ort.Tensor('float32', data, shape)
  if (dtype === 'U8' && data instanceof Uint8Array) return new ort.Tensor('uint8', data, shape)
  if (dtype === 'F16' && data instanceof Uint16Array) return halves(data, shape)
  if (dtype === 'I8' && data instanceof Int8Array) return new ort.Tensor('int8', data, shape)
  if (dtype === 'I32' && data instanceof Int32Array) return new ort.Tensor('int32', data, shape)
  throw new TypeError(`a ${dtype} tensor does not enter a graph`)
}

/**
 * ONNX Runtime's JavaScript makes a Float16Array of the bits where the runtime has one, which its native part takes for
 * empty (onnxruntime-node 1.30 on Node.js 24): it is shown the bits.
 */
function halves(data: Uint16Array, shape: readonly number[]): OrtTensor {
  const tensor = new ort.Tensor('float16', data, shape)
  return Object.defineProperty(tensor, 'data', { value: data })
}

/** A float32 result as our tensor, over the same memory. */
export function fromOrt(tensor: OrtTensor | undefined): Tensor & { data: Float32Array } {
  const data = tensor?.data
  if (!(data instanceof Float32Array)) throw new TypeError(`a graph gave ${tensor?.type}, not float32`)
  return { ...f32(tensor?.dims ?? [], data), data }
}

export const count = (n: number): OrtTensor => new ort.Tensor('int64', BigInt64Array.of(BigInt(n)), [])

/** The parameters of a model as a graph's inputs of the same names. @throws RangeError when one is missing */
export function weightFeeds(parameters: readonly Parameter[], weights: Tensors): Record<string, OrtTensor> {
  return Object.fromEntries(parameters.map(({ name }) => [name, toOrt(named(weights, name))]))
}

/** A frozen base as a graph's inputs; see `frozenInputs`. */
export const baseFeeds = (base: Tensors | undefined): Record<string, OrtTensor> =>
  Object.fromEntries([...(base ?? [])].map(([name, tensor]) => [`base/${name}`, toOrt(tensor)]))
