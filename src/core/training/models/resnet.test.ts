import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { judgeByPeer, tf } from '../graph/judges.test-support.ts'
import { netOf } from '../layers/net.ts'
import { parameterCount, parameters } from '../parameters.ts'
import { RESNET_20, type ResnetConfig, resnet } from './resnet.ts'

const small: ResnetConfig = { image: [2, 5, 6], blocks: [1, 1], width: 4, groups: 2, outputs: 3 }
const declared = parameters({ recipe: 'resnet', model: small })

/** The small one in TensorFlow.js, written by hand: channels first outside of its convolutions. */
function peer(x: Tensor, w: (name: string) => Tensor): Tensor {
  const conv = (h: Tensor, name: string, stride = 1): Tensor => {
    const kernel = w(`${name}.weight`)
    const border = (kernel.shape[2]! - 1) / 2
    const framed = tf.pad(
      tf.transpose(h, [0, 2, 3, 1]),
      [0, border, border, 0].map((b): [number, number] => [b, b]),
    ) as Tensor4D
    const filter = tf.transpose(kernel, [2, 3, 1, 0]) as Tensor4D
    return tf.transpose(tf.conv2d(framed, filter, stride, 'valid'), [0, 3, 1, 2])
  }
  const norm = (h: Tensor, name: string): Tensor => {
    const [n = 1, c = 1] = h.shape
    const grouped = tf.reshape(h, [n, small.groups, -1])
    const { mean, variance } = tf.moments(grouped, -1, true)
    const unit = tf.reshape(tf.div(tf.sub(grouped, mean), tf.sqrt(tf.add(variance, 1e-5))), h.shape)
    const perChannel = (part: string) => tf.reshape(w(`${name}.${part}`), [c, 1, 1])
    return tf.add(tf.mul(unit, perChannel('weight')), perChannel('bias'))
  }
  const block = (h: Tensor, name: string, stride: number): Tensor => {
    const first = tf.relu(norm(conv(h, `${name}.conv1`, stride), `${name}.bn1`))
    const second = norm(conv(first, `${name}.conv2`), `${name}.bn2`)
    const around = stride === 1 ? h : norm(conv(h, `${name}.downsample.0`, stride), `${name}.downsample.1`)
    return tf.relu(tf.add(second, around))
  }
  const stem = tf.relu(norm(conv(x, 'conv1'), 'bn1'))
  const features = tf.mean(block(block(stem, 'layer1.0', 1), 'layer2.0', 2), [2, 3])
  return tf.add(tf.matMul(features, w('fc.weight'), false, true), w('fc.bias'))
}

describe('a residual network', () => {
  it("has torchvision's names, and ResNet-20's number of parameters", () => {
    expect(declared.map(({ name, shape }) => `${name} ${shape.join('×')}`)).toEqual([
      'conv1.weight 4×2×3×3',
      'bn1.weight 4',
      'bn1.bias 4',
      'layer1.0.conv1.weight 4×4×3×3',
      'layer1.0.bn1.weight 4',
      'layer1.0.bn1.bias 4',
      'layer1.0.conv2.weight 4×4×3×3',
      'layer1.0.bn2.weight 4',
      'layer1.0.bn2.bias 4',
      'layer2.0.conv1.weight 8×4×3×3',
      'layer2.0.bn1.weight 8',
      'layer2.0.bn1.bias 8',
      'layer2.0.conv2.weight 8×8×3×3',
      'layer2.0.bn2.weight 8',
      'layer2.0.bn2.bias 8',
      'layer2.0.downsample.0.weight 8×4×1×1',
      'layer2.0.downsample.1.weight 8',
      'layer2.0.downsample.1.bias 8',
      'fc.weight 3×8',
      'fc.bias 3',
    ])
    // He et al.'s 0.27 million, with 2,752 more in the projections of two shortcuts and their norms.
    expect(parameterCount({ recipe: 'resnet', model: RESNET_20 })).toBe(272_474)
  })

  it('has the gradients of the same network in TensorFlow.js', async () => {
    const names = declared.map(({ name }) => name)
    await judgeByPeer(
      {
        shapes: [[2, ...small.image], ...declared.map(({ shape }) => shape)],
        ours: (x, ...weights) => resnet.forward(netOf(weights.map((w, i) => [names[i]!, w])), small, x!),
        peer: (x, ...weights) => peer(x!, name => weights[names.indexOf(name)]!),
      },
      11,
    )
  })
})
