import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assigner, bucketSizes, planSplit } from './split.ts'

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0)
const strata = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 2, maxLength: 8 })
const shards = fc.integer({ min: 1, max: 6 })

describe('the split', () => {
  it('uses every row once: shards of equal size, an equal part of each class kept back', () => {
    fc.assert(
      fc.property(strata, shards, fc.double({ min: 0, max: 0.5, noNaN: true }), (sizes, n, holdout) => {
        fc.pre(sum(sizes) >= n * 5)
        const quotas = planSplit(sizes, n, holdout, 1)
        expect(quotas.map(sum)).toEqual(sizes)
        const [held = 0, ...others] = bucketSizes(quotas)
        expect(Math.max(...others) - Math.min(...others)).toBeLessThanOrEqual(1)
        expect(held).toBeLessThanOrEqual(Math.round(sum(sizes) * holdout))
        for (const [i, row] of quotas.entries()) {
          expect(row[0]! < sizes[i]!).toBe(true)
          expect(
            Math.abs(row[0]! - (sizes[i]! * Math.round(sum(sizes) * holdout)) / sum(sizes)),
          ).toBeLessThanOrEqual(1)
          const dealt = row.slice(1)
          expect(Math.max(...dealt) - Math.min(...dealt)).toBeLessThanOrEqual(1)
        }
      }),
    )
  })

  it('fills its quotas exactly, the same way for the same seed', () => {
    fc.assert(
      fc.property(strata, shards, fc.nat(), (sizes, n, seed) => {
        fc.pre(sum(sizes) >= n * 5)
        const quotas = planSplit(sizes, n, undefined, seed)
        const rows = sizes.flatMap((size, stratum) => new Array<number>(size).fill(stratum))
        const given = () => {
          const bucketsOf = assigner(quotas, seed)
          const middle = Math.floor(rows.length / 2)
          const parts = [rows.slice(0, middle), rows.slice(middle)]
          return parts.flatMap(part => Array.from(bucketsOf(Int32Array.from(part))))
        }
        const buckets = given()
        expect(given()).toEqual(buckets)
        const counts = quotas.map(row => row.map(() => 0))
        for (const [i, bucket] of buckets.entries()) counts[rows[i]!]![bucket]!++
        expect(counts).toEqual(quotas)
      }),
    )
  })

  it('gives each row the same chance to be kept back, wherever it stands', () => {
    const quotas = planSplit([100, 100], 2, 0.2, 0)
    const kept = new Array<number>(200).fill(0)
    for (let seed = 0; seed < 2_000; seed++) {
      const buckets = assigner(quotas, seed)(Int32Array.from({ length: 200 }, (_, row) => row % 2))
      for (const [row, bucket] of buckets.entries()) if (bucket === 0) kept[row]!++
    }
    // 2,000 draws of 0.2: a standard deviation of 18; seven of them is never seen by chance.
    for (const count of kept) expect(Math.abs(count - 400)).toBeLessThan(7 * 18)
  })

  it('gives a shard few classes when asked to (McMahan et al. 2017)', () => {
    const quotas = planSplit(new Array<number>(10).fill(600), 100, 0, 3, { classesPerShard: 2 })
    expect(quotas.map(sum)).toEqual(new Array(10).fill(600))
    for (let shard = 1; shard <= 100; shard++) {
      expect(sum(quotas.map(row => row[shard]!))).toBe(60)
      expect(quotas.filter(row => row[shard]! > 0).length).toBeLessThanOrEqual(2)
    }
  })

  it('keeps back 15 %, but at most 10,000 rows', () => {
    expect(bucketSizes(planSplit([500, 500], 2, undefined, 1))[0]).toBe(150)
    expect(bucketSizes(planSplit([500_000, 500_000], 2, undefined, 1))[0]).toBe(10_000)
  })

  it('refuses too few rows for the shards, and a holdout that is no fraction', () => {
    expect(() => planSplit([3, 3], 4, undefined, 1)).toThrow(/too few/)
    expect(() => planSplit([30, 30], 2, 2, 1)).toThrow(/not a fraction/)
  })
})
