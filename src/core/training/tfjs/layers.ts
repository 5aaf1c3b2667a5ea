import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core'
import type { TensorFlow, Weights } from './tensorflow.ts'

// Layers as PyTorch and Hugging Face define them, written for TensorFlow.js without a look at our own graph.

export interface Context {
  tf: TensorFlow
  w: Weights
  /** Of each place where the model drops, one after the other: `[…]` → mask of the same shape. None without dropout. */
  mask?: ((shape: readonly number[]) => Tensor) | undefined
}

/** Dropout, where the spec has some. */
export const dropped = ({ tf, mask }: Context, x: Tensor): Tensor => (mask ? tf.mul(x, mask(x.shape)) : x)

/** PyTorch's `Linear`: `x · Wᵀ + b`. `[n, in]` → `[n, out]` */
export function linear({ tf, w }: Context, name: string, x: Tensor, bias = true): Tensor {
  const y = tf.matMul(x as Tensor2D, w(`${name}.weight`) as Tensor2D, false, true)
  return bias ? tf.add(y, w(`${name}.bias`)) : y
}

/** Hugging Face's `Conv1D`: `x · W + b`. */
export function conv1d({ tf, w }: Context, name: string, x: Tensor, bias: boolean): Tensor {
  const y = tf.matMul(x as Tensor2D, w(`${name}.weight`) as Tensor2D)
  return bias ? tf.add(y, w(`${name}.bias`)) : y
}

/** PyTorch's `Conv2d` without bias, half a kernel of zeros around: `[n, h, w, in]` → `[n, h′, w′, out]`. */
export function convolution({ tf, w }: Context, name: string, x: Tensor, stride = 1): Tensor {
  const filter = tf.transpose(w(`${name}.weight`), [2, 3, 1, 0]) as Tensor4D
  const border = Math.floor((filter.shape[0] - 1) / 2)
  const framed = tf.pad(
    x,
    [0, border, border, 0].map((b): [number, number] => [b, b]),
  )
  return tf.conv2d(framed as Tensor4D, filter, stride, 'valid')
}

/** Mean 0 and variance 1 over the last axis. */
function unit(tf: TensorFlow, x: Tensor, epsilon: number): Tensor {
  const { mean, variance } = tf.moments(x, -1, true)
  return tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, epsilon)))
}

/** PyTorch's `LayerNorm`. */
export function layerNorm({ tf, w }: Context, name: string, x: Tensor, bias: boolean): Tensor {
  const y = tf.mul(unit(tf, x, 1e-5), w(`${name}.weight`))
  return bias ? tf.add(y, w(`${name}.bias`)) : y
}

/** Llama's RMS norm. */
export function rmsNorm({ tf, w }: Context, name: string, x: Tensor, epsilon: number): Tensor {
  const size = tf.sqrt(tf.add(tf.mean(tf.square(x), -1, true), epsilon))
  return tf.mul(tf.div(x, size), w(`${name}.weight`))
}

/** PyTorch's `GroupNorm` of `[n, h, w, channels]`. */
export function groupNorm({ tf, w }: Context, name: string, x: Tensor, groups: number): Tensor {
  const [n = 1, height = 1, width = 1, channels = 1] = x.shape
  const apart = tf.reshape(tf.transpose(x, [0, 3, 1, 2]), [n, groups, -1])
  const together = tf.reshape(unit(tf, apart, 1e-5), [n, channels, height, width])
  const y = tf.transpose(together, [0, 2, 3, 1])
  return tf.add(tf.mul(y, w(`${name}.weight`)), w(`${name}.bias`))
}

/** `softmax(q · kᵀ / √d) · v`, no token looking at later ones: three times `[n, heads, T, d]`. */
export function causalAttention(at: Context, q: Tensor, k: Tensor, v: Tensor): Tensor {
  const { tf } = at
  const [, , positions = 1, d = 1] = q.shape
  const scores = tf.div(tf.matMul(q, k, false, true), Math.sqrt(d))
  const seen = tf.linalg.bandPart(tf.ones([positions, positions]), -1, 0)
  const masked = tf.add(scores, tf.mul(tf.sub(1, seen), -1e9))
  return tf.matMul(dropped(at, tf.softmax(masked)), v)
}
