import type { Scalar, Tensor } from '@tensorflow/tfjs-core'
import { modelOf } from '../models/index.ts'
import type { TrainingSpec } from '../spec.ts'
import type { Context } from './layers.ts'
import { cnn, mlp, resnet } from './rows.ts'
import type { TensorFlow } from './tensorflow.ts'
import { gpt, llama } from './text.ts'

/** Mean loss of a batch: raw inputs and answers as `rowOf` says. */
export function batchLoss(at: Context, spec: TrainingSpec, x: Tensor, y: Tensor): Scalar {
  const prediction = predict(at, spec, x)
  return spec.task === 'regression'
    ? at.tf.mean(at.tf.squaredDifference(prediction, y))
    : crossEntropy(at.tf, spec, prediction, at.tf.reshape(y, [-1]))
}

function predict(at: Context, spec: TrainingSpec, x: Tensor): Tensor {
  if (spec.recipe === 'gpt') return gpt(at, spec.model, x)
  if (spec.recipe === 'llama') return llama(at, spec.model, x)
  const { scale, shift } = spec.input
  const numbers = at.tf.add(at.tf.mul(at.tf.cast(x, 'float32'), scale), shift)
  if (spec.recipe === 'mlp') return mlp(at, spec.model, numbers)
  return spec.recipe === 'cnn' ? cnn(at, spec.model, numbers) : resnet(at, spec.model, numbers)
}

/** As PyTorch's `cross_entropy` with `ignore_index` −1, `label_smoothing` and `weight`: `[n, classes]`, `[n]`. */
function crossEntropy(tf: TensorFlow, spec: TrainingSpec, logits: Tensor, labels: Tensor): Scalar {
  const classes = modelOf(spec).outputShape.at(-1) ?? 1
  const { smoothing = 0 } = spec
  // A label of −1 is hot nowhere.
  const hot = tf.cast(tf.oneHot(tf.cast(labels, 'int32'), classes), 'float32')
  const counts = tf.sum(hot, -1, true)
  const targets = tf.add(tf.mul(hot, 1 - smoothing), tf.mul(counts, smoothing / classes))
  const weights = spec.task === 'language' ? undefined : spec.classWeights
  const perClass = tf.tensor1d(weights ?? Array.from({ length: classes }, () => 1))
  const losses = tf.neg(tf.sum(tf.mul(tf.mul(targets, perClass), tf.logSoftmax(logits)), -1))
  return tf.div(tf.sum(losses), tf.sum(tf.mul(hot, perClass)))
}
