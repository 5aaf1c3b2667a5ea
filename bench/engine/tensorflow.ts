import { createRequire } from 'node:module'
import type { Scalar, Tensor2D } from '@tensorflow/tfjs-core'
import { loadTensorFlow } from '../../src/core/training/graph/tensorflow.test-support.ts'

// The perceptron 784-128-10 with plain SGD in TensorFlow.js on WebAssembly, the fastest it has without native code.
const batch = Number(process.argv[2])
const tf = loadTensorFlow()
createRequire(import.meta.url)('@tensorflow/tfjs-backend-wasm')
await tf.setBackend('wasm')
await tf.ready()

const x = tf.randomUniform([batch, 784]) as Tensor2D
const labels = tf.oneHot(
  Array.from({ length: batch }, (_, i) => i % 10),
  10,
)
const weights = [[784, 128], [128], [128, 10], [10]].map(shape =>
  tf.variable(tf.randomNormal(shape, 0, 0.03)),
)
const loss = (): Scalar => {
  const [w1, b1, w2, b2] = weights
  const hidden = tf.relu(tf.add(tf.matMul(x, w1 as unknown as Tensor2D), b1!)) as Tensor2D
  return tf.losses.softmaxCrossEntropy(labels, tf.add(tf.matMul(hidden, w2 as unknown as Tensor2D), b2!))
}

function step(): void {
  tf.tidy(() => {
    const { grads } = tf.variableGrads(loss)
    for (const w of weights) w.assign(tf.sub(w, tf.mul(grads[w.name]!, 0.01)))
  })
}

for (let i = 0; i < 10; i++) step()
const times = Array.from({ length: 10 }, () => {
  const began = performance.now()
  for (let i = 0; i < 10; i++) step()
  weights[0]!.dataSync()
  return (performance.now() - began) / 10
})
const median = times.sort((a, b) => a - b)[times.length >> 1]
const peak = Math.round(process.resourceUsage().maxRSS / 1024)
process.stdout.write(`${JSON.stringify({ ms_per_step: median, peak_rss_mb: peak })}\n`)
