import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core'
import type { SpecOf } from '../spec.ts'
import { type Context, convolution, dropped, groupNorm, linear } from './layers.ts'

// Models of rows of numbers and of pictures. Pictures enter as [n, channels, h, w], as PyTorch has them.

export function mlp(at: Context, { hidden }: SpecOf<'mlp'>['model'], x: Tensor): Tensor {
  let h = at.tf.reshape(x, [x.shape[0] ?? 1, -1])
  for (let i = 0; i < hidden.length; i++) h = dropped(at, at.tf.relu(linear(at, `${2 * i}`, h)))
  return linear(at, `${2 * hidden.length}`, h)
}

export function cnn(at: Context, { image, channels, hidden }: SpecOf<'cnn'>['model'], x: Tensor): Tensor {
  const { tf, w } = at
  let h = channelsLast(at, image, x)
  for (let i = 0; i < channels.length; i++) {
    const name = `${3 * i}`
    const y = tf.add(convolution(at, name, h), w(`${name}.bias`))
    h = tf.maxPool(tf.relu(y) as Tensor4D, 2, 2, 'valid')
  }
  h = tf.reshape(tf.transpose(h, [0, 3, 1, 2]), [x.shape[0] ?? 1, -1])
  const first = 3 * channels.length + 1
  for (let i = 0; i < hidden.length; i++) h = dropped(at, tf.relu(linear(at, `${first + 2 * i}`, h)))
  if (hidden.length === 0) h = dropped(at, h)
  return linear(at, `${first + 2 * hidden.length}`, h)
}

export function resnet(at: Context, { image, blocks, groups }: SpecOf<'resnet'>['model'], x: Tensor): Tensor {
  const { tf } = at
  let h = tf.relu(groupNorm(at, 'bn1', convolution(at, 'conv1', channelsLast(at, image, x)), groups))
  for (const [stage, count] of blocks.entries())
    for (let i = 0; i < count; i++)
      h = residual(at, `layer${stage + 1}.${i}`, h, i === 0 && stage > 0 ? 2 : 1, groups)
  return linear(at, 'fc', dropped(at, tf.mean(h, [1, 2])))
}

function residual(at: Context, name: string, x: Tensor, stride: number, groups: number): Tensor {
  const { tf } = at
  const normed = (norm: string, h: Tensor) => groupNorm(at, `${name}.${norm}`, h, groups)
  const h = tf.relu(normed('bn1', convolution(at, `${name}.conv1`, x, stride)))
  const y = normed('bn2', convolution(at, `${name}.conv2`, h))
  const around = stride === 1 ? x : normed('downsample.1', convolution(at, `${name}.downsample.0`, x, stride))
  return tf.relu(tf.add(y, around))
}

const channelsLast = ({ tf }: Context, image: readonly number[], x: Tensor): Tensor =>
  tf.transpose(tf.reshape(x, [x.shape[0] ?? 1, ...image]), [0, 2, 3, 1])
