import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { judgeByPeer, tf } from '../graph/judges.test-support.ts'
import { netOf } from '../layers/net.ts'
import { parameterCount, parameters } from '../parameters.ts'
import { trainingSpec } from '../spec.ts'
import { type CnnConfig, cnn, MCMAHAN } from './cnn.ts'

const named = (model: CnnConfig) =>
  parameters({ recipe: 'cnn', model }).map(({ name, shape }) => [name, shape] as const)

/** The same network in TensorFlow.js, written by hand for two convolutions and one hidden layer. */
function peer(x: Tensor, [w1, b1, w2, b2, w3, b3, w4, b4]: Tensor[]): Tensor {
  const layer = (h: Tensor, w: Tensor, b: Tensor) => {
    const y = tf.conv2d(h as Tensor4D, tf.transpose(w, [2, 3, 1, 0]) as Tensor4D, 1, 'same')
    return tf.maxPool(tf.relu(tf.add(y, b)) as Tensor4D, 2, 2, 'valid')
  }
  const seen = layer(layer(tf.transpose(x, [0, 2, 3, 1]), w1!, b1!), w2!, b2!)
  const flat = tf.reshape(tf.transpose(seen, [0, 3, 1, 2]), [x.shape[0]!, -1])
  const hidden = tf.relu(tf.add(tf.matMul(flat, w3!, false, true), b3!))
  return tf.add(tf.matMul(hidden, w4!, false, true), b4!)
}

describe("McMahan's convolutional network", () => {
  it('has the parameters of the paper, named as in a PyTorch Sequential', () => {
    expect(named(MCMAHAN)).toEqual([
      ['0.weight', [32, 1, 5, 5]],
      ['0.bias', [32]],
      ['3.weight', [64, 32, 5, 5]],
      ['3.bias', [64]],
      ['7.weight', [512, 3136]],
      ['7.bias', [512]],
      ['9.weight', [10, 512]],
      ['9.bias', [10]],
    ])
    expect(parameterCount({ recipe: 'cnn', model: MCMAHAN })).toBe(1_663_370)
  })

  it.each([3, 5] as const)(
    'has the gradients of the same network in TensorFlow.js, kernel %s',
    async kernel => {
      const model: CnnConfig = { image: [2, 9, 8], channels: [3, 4], kernel, hidden: [5], outputs: 3 }
      const shapes = named(model).map(([, shape]) => shape)
      await judgeByPeer(
        {
          shapes: [[3, ...model.image], ...shapes],
          ours: (x, ...weights) =>
            cnn.forward(netOf(weights.map((w, i) => [named(model)[i]![0], w])), model, x!),
          peer: (x, ...weights) => peer(x!, weights),
        },
        7,
      )
    },
  )

  it('is refused where the picture is too small for its convolutions', () => {
    const spec = {
      recipe: 'cnn',
      model: { ...MCMAHAN, image: [1, 3, 28] },
      task: 'classification',
      input: { dtype: 'u8', scale: 1 / 255, shift: 0 },
      batch: 10,
      optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0, weightDecay: 0 },
    }
    expect(trainingSpec.safeParse(spec).error?.message).toMatch(/too small/)
  })
})
