import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seeded } from '../random.ts'
import { type SamplingOptions, sample } from './sampling.ts'

const logits = fc
  .array(fc.float({ min: -20, max: 20, noNaN: true }), { minLength: 1, maxLength: 50 })
  .map(values => Float32Array.from(values))
const seed = fc.nat()
const draws = (of: Float32Array, options: SamplingOptions, count: number): Map<number, number> => {
  const random = seeded(7)
  const seen = new Map<number, number>()
  for (let i = 0; i < count; i++) {
    const token = sample(of, options, random)
    seen.set(token, (seen.get(token) ?? 0) + 1)
  }
  return seen
}

describe('sampling', () => {
  it('takes a likeliest token at temperature 0, with top-k 1, and with a tiny top-p', () => {
    fc.assert(
      fc.property(logits, seed, (of, s) => {
        const best = Math.max(...of)
        for (const options of [
          { temperature: 0 },
          { temperature: 1, topK: 1 },
          { temperature: 1, topP: 1e-9 },
        ])
          expect(of[sample(of, options, seeded(s))]).toBe(best)
      }),
    )
  })

  it('never takes a token beyond the k likeliest', () => {
    fc.assert(
      fc.property(logits, fc.integer({ min: 1, max: 60 }), seed, (of, topK, s) => {
        const chosen = of[sample(of, { temperature: 2, topK }, seeded(s))]!
        expect([...of].filter(value => value > chosen).length).toBeLessThan(topK)
      }),
    )
  })

  it('never takes a token when the likelier ones reach p without it', () => {
    fc.assert(
      fc.property(logits, fc.double({ min: 0.01, max: 1, noNaN: true }), seed, (of, topP, s) => {
        const chosen = of[sample(of, { temperature: 1, topP }, seeded(s))]!
        const weights = [...of].map(value => Math.exp(value - 20))
        const total = weights.reduce((a, b) => a + b)
        const likelier = weights.filter((_, i) => of[i]! > chosen).reduce((a, b) => a + b, 0)
        expect(likelier / total).toBeLessThan(topP + 1e-9)
      }),
    )
  })

  it('draws as often as the probabilities at this temperature say', () => {
    const of = Float32Array.of(0, Math.log(2), Number.NEGATIVE_INFINITY, Math.log(5))
    const once = draws(of, { temperature: 1 }, 8000)
    expect(once.has(2)).toBe(false)
    // Standard deviation at most √(8000/4) ≈ 45.
    for (const [token, weight] of [
      [0, 1],
      [1, 2],
      [3, 5],
    ] as const)
      expect(Math.abs(once.get(token)! - 1000 * weight)).toBeLessThan(200)
    const sharper = draws(of, { temperature: 0.5 }, 3000)
    for (const [token, weight] of [
      [0, 1],
      [1, 4],
      [3, 25],
    ] as const)
      expect(Math.abs(sharper.get(token)! - 100 * weight)).toBeLessThan(120)
    expect(new Set(draws(of, { temperature: 1, topP: 0.6 }, 200).keys())).toEqual(new Set([3]))
    expect(new Set(draws(of, { temperature: 1, topP: 0.7 }, 200).keys())).toEqual(new Set([3, 1]))
  })
})
