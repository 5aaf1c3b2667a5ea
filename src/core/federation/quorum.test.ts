import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { quorumAt } from './quorum.ts'

describe('the quorum of a round', () => {
  it('waits five median deviations beyond the median', () => {
    // Median 100, deviations 0, 20, 20, 40, 60: MAD 20.
    expect(quorumAt([100, 80, 120, 140, 40], 1_000)).toBe(200)
  })

  it('is not shut by a few arrivals in the same second', () => {
    expect(quorumAt([100, 100, 100], 1_000)).toBe(150)
  })

  it('is not moved far by one straggler', () => {
    expect(quorumAt([100, 102, 98, 101, 900], 5_000)).toBeLessThan(160)
  })

  it('never lies behind the deadline, never before half of the arrivals, whatever their order', () => {
    const arrivals = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 30 })
    fc.assert(
      fc.property(arrivals, fc.double({ min: 0, max: 2e6, noNaN: true }), (times, deadline) => {
        const at = quorumAt(times, deadline)
        expect(at).toBeLessThanOrEqual(deadline)
        if (at < deadline) expect(times.filter(t => t <= at).length * 2).toBeGreaterThanOrEqual(times.length)
        expect(quorumAt(times.toReversed(), deadline)).toBe(at)
      }),
    )
  })
})
