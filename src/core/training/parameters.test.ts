import { describe, expect, it } from 'vitest'
import { initialWeights, parameterCount, parameters } from './parameters.ts'
import { seeded } from './random.ts'
import { trainingSpec } from './spec.ts'
import { floats } from './tensor.ts'

const model = { inputs: 784, hidden: [128], outputs: 10 }
const architecture = { recipe: 'mlp', model } as const
const spec = {
  recipe: 'mlp',
  model,
  task: 'classification',
  input: { dtype: 'u8', scale: 1 / 255, shift: 0 },
  batch: 64,
  optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0.9, weightDecay: 0 },
}

describe('the parameters of a multi-layer perceptron', () => {
  it('are named and shaped as in a PyTorch Sequential', () => {
    expect(parameters(architecture).map(({ name, shape }) => ({ name, shape }))).toEqual([
      { name: '0.weight', shape: [128, 784] },
      { name: '0.bias', shape: [128] },
      { name: '2.weight', shape: [10, 128] },
      { name: '2.bias', shape: [10] },
    ])
    expect(parameterCount(architecture)).toBe(101_770)
  })

  it('start uniform in ±1/√fan_in, the same for the same seed only', () => {
    const weights = initialWeights(architecture, 1)
    expect(weights).toEqual(initialWeights(architecture, 1))
    expect(weights).not.toEqual(initialWeights(architecture, 1 + 2 ** 32))
    for (const [name, fanIn] of [
      ['0.weight', 784],
      ['0.bias', 784],
      ['2.weight', 128],
    ] as const) {
      const values = floats(weights.get(name)!)
      const bound = 1 / Math.sqrt(fanIn)
      const variance = values.reduce((sum, v) => sum + v * v, 0) / values.length
      expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(bound)
      expect(variance / (bound * bound)).toBeCloseTo(1 / 3, name === '0.bias' ? 0 : 1)
    }
  })
})

describe('the seeded generator', () => {
  it('gives the same stream on every machine', () => {
    const random = seeded(1, 2)
    expect([random.uint32(), random.uint32(), random.uint32()]).toEqual([2084140258, 3058161270, 2250215346])
  })

  it('draws every number below n about equally often', () => {
    const random = seeded(7)
    const counts = new Array(10).fill(0)
    for (let i = 0; i < 10_000; i++) counts[random.below(10)]++
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150)
  })
})

describe('a training spec', () => {
  it('is taken when it is sound', () => {
    expect(trainingSpec.parse({ ...spec, unknown: 1 })).toEqual(spec)
  })

  const bad: [string, object][] = [
    ['has a learning rate of NaN', { optimizer: { ...spec.optimizer, learningRate: Number.NaN } }],
    ['has an infinite scale', { input: { ...spec.input, scale: Number.POSITIVE_INFINITY } }],
    ['has a momentum of one', { optimizer: { ...spec.optimizer, momentum: 1 } }],
    ['has an empty batch', { batch: 0 }],
    ['has a fractional width', { model: { ...model, hidden: [1.5] } }],
    ['has more weights than a machine', { model: { inputs: 1_000_000, hidden: [65_536], outputs: 2 } }],
    ['has a thousand layers', { model: { ...model, hidden: new Array(1000).fill(8) } }],
    ['classifies into one class', { model: { ...model, outputs: 1 } }],
    ['names an unknown optimizer', { optimizer: { name: 'lion', learningRate: 1 } }],
  ]
  it.each(bad)('is refused when it %s', (_, change) => {
    expect(trainingSpec.safeParse({ ...spec, ...change }).success).toBe(false)
  })
})
