import { describe, expect, it } from 'vitest'
import type { Data } from './data.ts'
import { referenceLoss } from './engines/reference.ts'
import { evaluator, rowsTogether } from './evaluator.ts'
import { initialWeights } from './parameters.ts'
import { seeded } from './random.ts'
import type { TrainingSpec } from './spec.ts'
import { f32, floats, type Tensors } from './tensor.ts'

const spec: TrainingSpec = {
  recipe: 'mlp',
  model: { inputs: 3, hidden: [4], outputs: 2 },
  task: 'regression',
  input: { dtype: 'f32', scale: 1, shift: 0 },
  batch: 1,
  optimizer: { name: 'sgd', learningRate: 1, momentum: 0, weightDecay: 0 },
}

/** More rows than one call of the engine takes. */
const ROWS = 20_000
function data(): Data {
  const random = seeded(1)
  const numbers = (n: number) => Float32Array.from({ length: n }, () => random.float())
  return { rows: ROWS, x: f32([ROWS, 3], numbers(3 * ROWS)), y: f32([ROWS, 2], numbers(2 * ROWS)) }
}
const plain = (weights: Tensors) => new Map([...weights].map(([n, t]) => [n, Float64Array.from(floats(t))]))

describe('the evaluator', () => {
  it('measures the loss over all rows, in any number of calls', async () => {
    const weights = initialWeights(spec, 1)
    const { x, y, rows } = data()
    const judge = await evaluator(spec, { threads: 1 })
    const found = await judge.losses(weights, { x, y, rows })
    await judge.close()
    const batch = { x: Float64Array.from(floats(x)), y: Float64Array.from(floats(y)) }
    expect(found.rows).toBe(ROWS)
    expect(found.loss).toBeCloseTo(referenceLoss(spec, plain(weights), batch), 5)
  })

  it('measures the rows it is asked for, in their order', async () => {
    const weights = initialWeights(spec, 2)
    const all = data()
    const judge = await evaluator(spec, { threads: 1 })
    const rows = [19_999, 0, 7]
    const x = [...rows].flatMap(row => [...floats(all.x).subarray(3 * row, 3 * row + 3)])
    const y = [...rows].flatMap(row => [...floats(all.y).subarray(2 * row, 2 * row + 2)])
    const { loss } = await judge.losses(weights, all, rows)
    await judge.close()
    const batch = { x: Float64Array.from(x), y: Float64Array.from(y) }
    expect(loss).toBeCloseTo(referenceLoss(spec, plain(weights), batch), 5)
  })

  it('is ended by its signal', async () => {
    const judge = await evaluator(spec, { threads: 1 })
    const stopped = judge.losses(initialWeights(spec, 1), data(), undefined, AbortSignal.abort('enough'))
    await expect(stopped).rejects.toBe('enough')
    await judge.close()
  })

  it('says that the loss of weights that are not numbers is not a number', async () => {
    const weights = initialWeights(spec, 1)
    floats(weights.get('0.weight')!)[0] = Number.NaN
    const judge = await evaluator(spec, { threads: 1 })
    const { loss } = await judge.losses(weights, data())
    await judge.close()
    expect(loss).toBeNaN()
  })
})

it('looks at fewer pictures at a time than rows, as a convolution makes many values of each', () => {
  const cnn: TrainingSpec = {
    ...{ recipe: 'cnn', task: 'classification', input: { dtype: 'u8', scale: 1, shift: 0 }, batch: 1 },
    model: { image: [3, 64, 64], channels: [32], kernel: 3, hidden: [4], outputs: 2 },
    optimizer: { name: 'sgd', learningRate: 1, momentum: 0, weightDecay: 0 },
  }
  const together = rowsTogether(cnn)
  expect(together * 32 * 64 * 64 * 4).toBeLessThanOrEqual(32 * 1024 * 1024)
  expect(together).toBeGreaterThan(10)
  expect(rowsTogether(spec)).toBe(8192)
})
