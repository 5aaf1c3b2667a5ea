import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sampleRows } from './sample.ts'

describe('the sample that is measured', () => {
  it('has different rows, all of the file, never more than asked', () => {
    const n = fc.integer({ min: 1, max: 100_000 })
    fc.assert(
      fc.property(n, fc.integer({ min: 1, max: 2048 }), fc.nat(), (rows, most, seed) => {
        const sample = sampleRows(rows, most, seed)
        expect(new Set(sample).size).toBe(Math.min(rows, most))
        expect(Math.min(...sample)).toBeGreaterThanOrEqual(0)
        expect(Math.max(...sample)).toBeLessThan(rows)
      }),
    )
  })

  it('differs from round to round, so that training on last time’s rows alone is no use', () => {
    const drawn = new Map<number, number>()
    for (let seed = 0; seed < 1000; seed++)
      for (const row of sampleRows(100, 10, seed)) drawn.set(row, (drawn.get(row) ?? 0) + 1)
    expect(drawn.size).toBe(100)
    for (const times of drawn.values()) expect(times).toBeGreaterThan(50)
  })
})
