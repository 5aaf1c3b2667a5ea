import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Case } from './case.ts'
import { expected } from './expected.ts'
import { type Figures, figures, type Gain, type Reference } from './figures.ts'
import { stepsAt } from './judge-reference.ts'
import { judgeUse } from './judge-use.ts'
import { judgeWork } from './judge-work.ts'

// Corners that a real training does not reach at will; what trainings do is in judge.test.ts.

const gainOf = (gain: number, error = 0.01): Gain => ({ before: 2, after: 2 - gain, gain, error, rows: 1024 })
const measured = (gain: number, more: Partial<Figures> = {}): Figures => ({
  steps: 400,
  problem: null,
  finite: true,
  norm: 10,
  own: gainOf(gain),
  other: gainOf(gain),
  holdout: gainOf(gain),
  cosines: {},
  sketch: null,
  ...more,
})
const peer = (id: string, f: Figures, earlier = true) => ({ id, figures: f, earlier })
const caseOf = (f: Figures, ...peers: Figures[]): Case => ({
  id: 'me',
  figures: f,
  peers: peers.map((p, i) => peer(`p${i}`, p)),
  rho: 0.5,
})

describe('the expected gain', () => {
  it('asks of a stranger with a quarter of the steps a quarter of the others’ gain, and nothing more of a long one', () => {
    const short = caseOf(measured(0.3, { steps: 100 }), measured(1), measured(1.2))
    expect(expected(short)!.gain).toBeCloseTo(0.3)
    expect(judgeWork(short)).toMatchObject({ paid: 'full' })
    const long = caseOf(
      measured(1, { steps: 400 }),
      measured(0.9, { steps: 100 }),
      measured(0.9, { steps: 100 }),
    )
    expect(expected(long)!.gain).toBeCloseTo(0.9)
  })

  it('is unknown with fewer than three updates, and a file that is none does not count', () => {
    expect(expected(caseOf(measured(1), measured(1)))).toBeNull()
    expect(expected(caseOf(measured(1), measured(1), measured(1, { problem: 'garbage' })))).toBeNull()
  })

  it('does not fall because one of three diverged', () => {
    expect(
      expected(caseOf(measured(1), measured(0.9), measured(0, { finite: false, own: null })))!.gain,
    ).toBe(0.9)
  })
})

describe('payment without an own run', () => {
  it('is in part, gain by gain, where the gain is clear but short of ρ of the median', () => {
    const verdict = judgeWork(caseOf(measured(0.3), measured(1), measured(1)))
    expect(verdict).toMatchObject({ paid: 'part', doubt: expect.any(String) })
    expect(verdict.fraction).toBeCloseTo(0.3)
  })

  it('is none where the gain is short and not clear', () => {
    const verdict = judgeWork(caseOf(measured(0.1, { own: gainOf(0.1, 0.06) }), measured(1), measured(1)))
    expect(verdict).toMatchObject({ paid: 'none', fraction: 0 })
  })

  it('goes to the first of two that send the same, whichever of them was measured later', () => {
    const [first, second] = [measured(1), measured(1, { cosines: { first: 1 } })]
    const rest = peer('rest', measured(1))
    const late: Case = { id: 'second', figures: second, peers: [peer('first', first), rest], rho: 0.5 }
    const early: Case = {
      id: 'first',
      figures: first,
      peers: [peer('second', second, false), rest],
      rho: 0.5,
    }
    expect(judgeWork(late)).toMatchObject({ paid: 'none' })
    expect(judgeUse(late)).toMatchObject({ used: false })
    expect(judgeWork(early)).toMatchObject({ paid: 'full', doubt: expect.any(String) })
  })
})

describe('the steps that a value stands for', () => {
  const curve = [
    [10, 0.4],
    [20, 0.3],
    [30, 1],
  ] as const
  it('are those at which the run first came so far', () => {
    expect(stepsAt(curve, 0.2)).toBeCloseTo(5)
    expect(stepsAt(curve, 0.7)).toBeCloseTo(25)
    expect(stepsAt(curve, 2)).toBe(30)
    expect(stepsAt(curve, -1)).toBeLessThanOrEqual(0)
    expect(stepsAt([], 1)).toBe(0)
  })
})

describe('every verdict', () => {
  const number = fc.double({ min: -1e6, max: 1e6, noNaN: true })
  const nullable = fc.option(number)
  const gain: fc.Arbitrary<Gain> = fc.record({
    before: nullable,
    after: nullable,
    gain: nullable,
    error: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })),
    rows: fc.constant(8),
  })
  const norm = fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }))
  const any: fc.Arbitrary<Figures> = fc.record({
    steps: fc.integer({ min: 1, max: 1000 }),
    problem: fc.option(fc.constant('it is broken'), { freq: 10 }),
    finite: fc.boolean(),
    norm,
    own: fc.option(gain),
    other: fc.option(gain),
    holdout: fc.option(gain),
    cosines: fc.dictionary(
      fc.constantFrom('p0', 'p1', 'other-rounds'),
      fc.option(fc.double({ min: -1, max: 1, noNaN: true })),
    ),
    sketch: fc.constant(null),
  })
  const run: fc.Arbitrary<Reference> = fc.record({
    steps: fc.constant(30),
    curve: fc.array(fc.record({ steps: fc.integer({ min: 1, max: 30 }), gain, along: nullable }), {
      maxLength: 5,
    }),
    norm,
    holdout: fc.option(gain),
    along: nullable,
    others: nullable,
    keeps: nullable,
    diverged: fc.boolean(),
  })

  const lone = { before: null, after: 0, gain: null, error: null, rows: 8 }
  /** An own run that is longer than what it judges: the part may not become the whole. */
  const beyond: [Figures, Figures[], Reference] = [
    {
      steps: 1,
      problem: null,
      finite: true,
      norm: 0,
      own: lone,
      other: null,
      holdout: null,
      cosines: {},
      sketch: null,
    },
    [],
    {
      steps: 30,
      curve: [{ steps: 1, gain: { ...lone, after: null }, along: null }],
      norm: null,
      holdout: null,
      along: null,
      others: null,
      keeps: null,
      diverged: false,
    },
  ]

  it('is sound for whatever was measured: a fraction that fits, finite figures, a reason, no pay for no update', () => {
    fc.assert(
      fc.property(any, fc.array(any, { maxLength: 4 }), fc.option(run), (mine, others, own) => {
        expect(figures.parse(mine)).toEqual(mine)
        const subject: Case = { ...caseOf(mine, ...others), ...(own && { reference: own }) }
        const [work, use] = [judgeWork(subject), judgeUse(subject)]
        expect(work.fraction).toBeGreaterThanOrEqual(0)
        expect(work.fraction).toBeLessThanOrEqual(1)
        expect(work.paid).toBe(work.fraction === 1 ? 'full' : work.fraction === 0 ? 'none' : 'part')
        expect(work.reason).toMatch(/\.$/)
        for (const x of Object.values({ ...work.figures, ...use.figures }))
          expect(Number.isFinite(x)).toBe(true)
        if (mine.problem) expect(work).toMatchObject({ paid: 'none', doubt: null })
        if (use.used) expect(work.paid).not.toBe('none')
        if (own) expect(work.doubt).toBeNull()
      }),
      { numRuns: 2000, examples: [beyond] },
    )
  })
})
