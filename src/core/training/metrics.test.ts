import { describe, expect, it } from 'vitest'
import { metrics } from './metrics.ts'

describe('classification metrics', () => {
  // Predicted 0, 1, 1, 2, 0 for true 0, 1, 0, 2, 2.
  const labels = Int32Array.of(0, 1, 0, 2, 2)
  const logits = Float32Array.of(2, 0, 0, 0, 2, 0, 0, 2, 0, 0, 0, 2, 2, 0, 0)
  const found = metrics.classification(logits, labels, 3)

  it('count what was taken for what', () => {
    expect(found.confusion).toEqual([
      [1, 1, 0],
      [0, 1, 0],
      [1, 0, 1],
    ])
    expect(found.accuracy).toBe(3 / 5)
  })

  it('average F1 over the classes', () => {
    expect(found.macroF1).toBeCloseTo((2 / 4 + 2 / 3 + 2 / 3) / 3, 12)
  })

  it('measure the cross-entropy in nats', () => {
    const right = Math.log(1 + 2 * Math.exp(-2))
    const wrong = Math.log(2 + Math.exp(2))
    expect(found.logLoss).toBeCloseTo((3 * right + 2 * wrong) / 5, 6)
  })

  it('survive logits that overflow an exponential', () => {
    const { logLoss } = metrics.classification(Float32Array.of(1000, -1000), Int32Array.of(1), 2)
    expect(logLoss).toBeCloseTo(2000, 3)
  })

  it('are not numbers when the logits are not', () => {
    const { logLoss } = metrics.classification(Float32Array.of(Number.NaN, 1), Int32Array.of(0), 2)
    expect(logLoss).toBeNaN()
  })
})

describe('regression metrics', () => {
  it('agree with their definitions', () => {
    const actual = Float32Array.of(1, 2, 3, 4, 5)
    const predicted = Float32Array.of(1, 2, 3, 5, 3)
    const found = metrics.regression(predicted, actual)
    expect(found).toMatchObject({ rows: 5, r2: 1 - 5 / 10, mae: 3 / 5, rmse: Math.sqrt(5 / 5) })
    expect(found.errors).toEqual({ p5: -2, p25: 0, p50: 0, p75: 0, p95: 1 })
  })

  it('take the mean of each output by itself', () => {
    const actual = Float32Array.of(0, 100, 2, 102)
    expect(metrics.regression(Float32Array.of(1, 101, 1, 101), actual, 2)).toMatchObject({ rows: 2, r2: 0 })
  })

  it('have no r2 when the targets do not vary', () => {
    expect(metrics.regression(Float32Array.of(1, 2), Float32Array.of(3, 3)).r2).toBeNaN()
  })
})
