import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ALIKE } from './expected.ts'
import { type Figures, figures, OTHER_ROUNDS } from './figures.ts'
import { besideOtherRounds } from './other-rounds.ts'
import { normals } from './round.test-support.ts'
import { cosineOfSketches, Sketcher } from './sketch.ts'

const SIZE = 4_000

/** The sketch of an update that comes in blocks of this size. */
function sketchOf(update: Float32Array, seed = 1, block = SIZE): string {
  const sketcher = new Sketcher(seed)
  for (let at = 0; at < update.length; at += block) sketcher.add(update.subarray(at, at + block))
  return sketcher.direction()!
}

const measured = (update: Float32Array, seed = 1): Figures => ({
  steps: 1,
  problem: null,
  finite: true,
  norm: Math.hypot(...update),
  own: null,
  other: null,
  holdout: null,
  cosines: {},
  sketch: sketchOf(update, seed),
})
const likeness = (update: Float32Array, ...others: Float32Array[]) =>
  besideOtherRounds(
    measured(update),
    others.map(other => measured(other)),
  ).cosines[OTHER_ROUNDS]!

/** Updates of which any two have this cosine, up to chance: one direction that all go, and a way of its own for each. */
function alike(cosine: number, count: number, seed: number): Float32Array[] {
  const normal = normals(seed)
  const common = Float32Array.from({ length: SIZE }, normal)
  return Array.from({ length: count }, () =>
    common.map(x => Math.sqrt(cosine) * x + Math.sqrt(1 - cosine) * normal()),
  )
}
const seed = fc.integer({ min: 1, max: 2 ** 30 })

describe('the sketch of an update', () => {
  it('is the same for the same update on every machine, however its numbers are divided into blocks', () => {
    const update = Float32Array.from({ length: SIZE }, (_, i) => Math.sqrt(i) - 30)
    expect(sketchOf(update)).toBe(
      'ivO5AUwDCBIAAAwFHhVcBzgBOwdNAz72ihK54yoeM+za5vsCzBCSAv4A/+Zq9N/2TA0kA+MANvtXBJAFGgJnF9vzKBFaEdIBTQZA994jqw929xcNNPhJBOIWGQvOEErpQxMv9HIY/xUP7/wCnPlr+YX9ne0J/sXnNg+YKu7fv/o=',
    )
    for (const block of [1, 7, 1024]) expect(sketchOf(update, 1, block)).toBe(sketchOf(update))
    expect(sketchOf(update, 2)).not.toBe(sketchOf(update))
    expect(figures.parse(measured(update)).sketch).toHaveLength(172)
  })

  it('has none for an update that is zero or not finite', () => {
    for (const value of [0, Number.NaN, Number.POSITIVE_INFINITY]) {
      const sketcher = new Sketcher(1)
      sketcher.add(Float32Array.of(1 * value, value))
      expect(sketcher.direction()).toBeNull()
    }
  })

  it.each([0, 0.5, 0.9])(
    'keeps a cosine of %d, on average and within a few standard errors of (1 − c²) / 8',
    c => {
      const errors = Array.from({ length: 60 }, (_, i) => {
        const [a, b] = alike(c, 2, i + 1)
        return cosineOfSketches(sketchOf(a!, i), sketchOf(b!, i)) - c
      })
      const spread = (1 - c * c) / 8
      expect(Math.max(...errors.map(Math.abs))).toBeLessThan(5 * spread)
      expect(Math.abs(errors.reduce((x, y) => x + y) / 60)).toBeLessThan((4 * spread) / Math.sqrt(60) + 0.01)
    },
  )
})

describe('an update beside those of other rounds', () => {
  it('is told to be one of them, of whatever round it is, also in half precision', () => {
    fc.assert(
      fc.property(seed, fc.nat(9), (s, which) => {
        const earlier = alike(0.5, 10, s)
        expect(likeness(earlier[which]!, ...earlier)).toBe(1)
        const rounded = earlier[which]!.map(x => Math.round(x * 4096) / 4096)
        expect(likeness(rounded, ...earlier)).toBe(1)
      }),
      { numRuns: 20 },
    )
  })

  it('is near one of them when it is that one with a little noise, or made longer', () => {
    fc.assert(
      fc.property(seed, fc.nat(9), fc.constantFrom(0.5, 1, 1.1, 3), (s, which, factor) => {
        const earlier = alike(0.5, 10, s)
        const normal = normals(s + 1)
        const disguised = earlier[which]!.map(x => factor * (x + 0.1 * normal()))
        expect(likeness(disguised, ...earlier)).toBeGreaterThan(ALIKE)
        expect(likeness(disguised, ...earlier)).toBeLessThan(1)
        if (factor !== 1)
          expect(
            likeness(
              earlier[which]!.map(x => factor * x),
              ...earlier,
            ),
          ).toBeLessThan(1)
      }),
      { numRuns: 20 },
    )
  })

  it('is not blamed for going the way that all honest updates go', () => {
    fc.assert(
      fc.property(seed, fc.double({ min: 0, max: 0.9, noNaN: true }), (s, cosine) => {
        const [update, ...earlier] = alike(cosine, 12, s)
        expect(likeness(update!, ...earlier)).toBeLessThan(ALIKE)
      }),
      { numRuns: 100 },
    )
  })
})
