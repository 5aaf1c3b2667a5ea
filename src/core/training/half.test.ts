import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHalf, toHalf } from './half.ts'

const all = Uint16Array.from({ length: 0x10000 }, (_, i) => i)
const isNaNBits = (half: number) => (half & 0x7fff) > 0x7c00

describe('half precision', () => {
  it('gives back each of the 65,536 halves', () => {
    const back = toHalf(fromHalf(all))
    const wrong = all.filter((half, i) => (isNaNBits(half) ? !isNaNBits(back[i]!) : back[i] !== half))
    expect([...wrong]).toEqual([])
  })

  it('rounds every float32 to the nearest half, ties to even', () => {
    const finite = fromHalf(all.filter(half => (half & 0x7fff) < 0x7c00))
    const sorted = [...finite].sort((a, b) => a - b)
    const checks = fc.float({ noNaN: true, min: -65504, max: 65504 })
    fc.assert(
      fc.property(checks, x => {
        const [y] = fromHalf(toHalf(new Float32Array([x])))
        let low = 0
        for (let high = sorted.length; high - low > 1; ) {
          const middle = (low + high) >> 1
          if (sorted[middle]! <= x) low = middle
          else high = middle
        }
        const nearest = Math.min(Math.abs(sorted[low]! - x), Math.abs((sorted[low + 1] ?? sorted[low]!) - x))
        expect(Math.abs(y! - x)).toBe(nearest)
      }),
    )
    // 2049 lies between 2048 (even) and 2050; 2051 between 2050 and 2052 (even).
    expect([...fromHalf(toHalf(new Float32Array([2049, 2051, 65520, -70000, 2 ** -25])))]).toEqual([
      2048,
      2052,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      0,
    ])
  })
})
