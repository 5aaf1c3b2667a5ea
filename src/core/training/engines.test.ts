import { describe, expect, it } from 'vitest'
import { benchmark } from './benchmark.ts'
import { flopsPerStep, memoryOf } from './cost.ts'
import { engines } from './engines.ts'
import { selfTest } from './selftest.ts'
import type { TrainingSpec } from './spec.ts'

const spec: TrainingSpec = {
  recipe: 'mlp',
  model: { inputs: 784, hidden: [128], outputs: 10 },
  task: 'classification',
  input: { dtype: 'u8', scale: 1 / 255, shift: 0 },
  batch: 64,
  optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0, weightDecay: 0 },
}

describe('the engines', () => {
  it('name a processor whose gradients agree with double precision', async () => {
    const [cpu] = await engines({ threads: 1 })
    expect(cpu).toMatchObject({ name: 'cpu', threads: 1, test: { passed: true } })
    expect(cpu?.test.error).toBeLessThan(1e-5)
  })

  it('say so when one cannot run', async () => {
    await expect(selfTest({ providers: ['nonsense'] })).rejects.toMatchObject({ code: 'training/engine' })
  })

  it('are measured on the spec that is asked for', async () => {
    const small: TrainingSpec = { ...spec, model: { inputs: 10, hidden: [], outputs: 2 } }
    const found = await benchmark({ spec: small, milliseconds: 50, threads: 1 })
    expect(found.spec).toEqual(small)
    expect(found.flopsPerSecond * found.secondsPerStep).toBeCloseTo(flopsPerStep(small), 3)
    expect(found.rowsPerSecond).toBeGreaterThan(1000)
  })
})

describe('the cost of a step', () => {
  // Forward, weight gradients, and input gradients of every layer but the first.
  const products = 2 * 64 * (2 * 784 * 128 + 3 * 128 * 10)
  it('counts the products of forward and backward', () => {
    expect(flopsPerStep(spec)).toBe(products)
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

  it('holds the dataset and the weights in memory', () => {
    const rows = memoryOf(spec, 60_000) - memoryOf(spec, 0)
    expect(rows).toBe(60_000 * (784 + 4))
    const wide = memoryOf({ ...spec, model: { ...spec.model, hidden: [1280] } }, 0) - memoryOf(spec, 0)
    expect(wide).toBeGreaterThan(3 * 4 * 9 * 101_770)
  })
})
