import { describe, expect, it } from 'vitest'
import { flopsPerStep } from './cost.ts'
import type { TrainingSpec } from './spec.ts'

const spec: TrainingSpec = {
  recipe: 'mlp',
  model: { inputs: 784, hidden: [128], outputs: 10 },
  task: 'classification',
  input: { dtype: 'u8', scale: 1 / 255, shift: 0 },
  batch: 64,
  optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0, weightDecay: 0 },
}

describe('the cost of a step', () => {
  // Forward, weight gradients, and input gradients of every layer but the first.
  const products = 2 * 64 * (2 * 784 * 128 + 3 * 128 * 10)
  it('counts the products of forward and backward', () => {
    expect(flopsPerStep(spec)).toBe(products)
  })

  it('counts those of a transformer as by hand', () => {
    const [batch, context, width, layers, heads, vocabulary] = [3, 5, 8, 2, 2, 11] as const
    const gpt: TrainingSpec = {
      recipe: 'gpt',
      task: 'language',
      model: { vocabulary, context, width, layers, heads, bias: true, activation: 'gelu' },
      batch,
      optimizer: spec.optimizer,
    }
    // Four products with the width's square for attention, eight for the feed-forward layers, and the logits.
    const weights = batch * context * (12 * width ** 2 * layers + vocabulary * width)
    // Scores, and what they weigh, over all pairs of positions.
    const attention = layers * 2 * batch * context ** 2 * width
    expect(flopsPerStep(gpt)).toBe(3 * 2 * (weights + attention))
  })

  it('counts those of convolutions by their definition, whichever way they are computed', () => {
    const [batch, side, kernel, outputs] = [2, 8, 5, 3] as const
    const cnn: TrainingSpec = {
      recipe: 'cnn',
      model: { image: [1, side, side], channels: [2, 4], kernel, hidden: [], outputs },
      task: 'classification',
      input: spec.input,
      batch,
      optimizer: spec.optimizer,
    }
    const first = batch * side ** 2 * kernel ** 2 * 1 * 2
    const second = batch * (side / 2) ** 2 * kernel ** 2 * 2 * 4
    const last = batch * 4 * (side / 4) ** 2 * outputs
    expect(flopsPerStep(cnn)).toBe(2 * (2 * first + 3 * second + 3 * last))
    // What is mirrored, cropped and dropped has no products.
    const noisy = { ...cnn, dropout: 0.5, augment: { flip: true, crop: 2 } }
    expect(flopsPerStep(noisy)).toBe(flopsPerStep(cnn))
  })

  it('does not depend on the optimizer, whose fast path changes the graph', () => {
    const optimizer = {
      name: 'adamw',
      learningRate: 1,
      beta1: 0,
      beta2: 0,
      epsilon: 1,
      weightDecay: 0,
    } as const
    expect(flopsPerStep({ ...spec, optimizer })).toBe(products)
  })
})
