import { PassThrough } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { plain } from '../format.ts'
import type { Report } from '../report.ts'
import { changes } from './changes.ts'
import { openProgress } from './display.ts'
import { bar, progressLines, sparkline } from './lines.ts'
import { type ProgressView, type ProviderView, shareDone } from './view.ts'

const provider = (name: string, more: Partial<ProviderView> = {}): ProviderView => ({
  name,
  round: 1,
  step: 0,
  steps: 100,
  state: 'training',
  ...more,
})
const view = (more: Partial<ProgressView> = {}): ProgressView => ({
  round: 1,
  rounds: 4,
  providers: [provider('ann'), provider('bob')],
  losses: [],
  sats: { locked: 1200, paid: 300, refunded: 0, fees: 4, cap: 5000 },
  practice: true,
  ...more,
})
const canvas = { width: 100, paint: plain }

describe('the live display', () => {
  it('counts closed rounds and the steps of the one under way', () => {
    expect(shareDone(view({ round: 0 }))).toBe(0)
    const half = [provider('ann', { round: 3, step: 100 }), provider('bob', { round: 3, step: 0 })]
    expect(shareDone(view({ round: 3, providers: half }))).toBe((2 + 0.5) / 4)
    expect(shareDone(view({ round: 4, providers: [], losses: [4, 3, 2, 1] }))).toBe(1)
  })

  it('does not count the steps of a provider that left or is still in the round before', () => {
    const providers = [
      provider('ann', { round: 2, step: 50 }),
      provider('bob', { round: 2, step: 0, state: 'left' }),
      provider('cat', { round: 1, step: 100 }),
    ]
    expect(shareDone(view({ round: 2, providers }))).toBe((1 + 0.5) / 4)
  })

  it('shows round, time left, loss, each provider and every sat with its unit', () => {
    const lines = progressLines(
      view({
        round: 3,
        losses: [0.8, 0.4],
        secondsLeft: 75,
        providers: [provider('ann', { round: 3, step: 25, loss: 0.39 })],
      }),
      canvas,
    )
    expect(lines[0]).toBe(`Round 3 of 4  ${'━'.repeat(14)}${'─'.repeat(10)}  56 %, about 1 min 15 s left`)
    expect(lines[1]).toBe('Loss 0.8000 → 0.4000  █▁')
    expect(lines.find(line => line.includes('ann'))).toMatch(/^ {2}ann +training +━━━─{9} +25\/100 +0\.3900$/)
    expect(lines.at(-1)).toBe(
      'Sats (play money)  900 in locks · 300 paid · 0 came back · 4 in fees · cap 5,000',
    )
  })

  it('says what it is at before the first round', () => {
    const [first] = progressLines(view({ round: 0, doing: 'waiting for bids', providers: [] }), canvas)
    expect(first).toBe('Starting: waiting for bids')
  })

  it('sums up the providers that do not fit', () => {
    const many = Array.from({ length: 30 }, (_, i) => provider(`p${i}`, i > 20 ? { state: 'paid' } : {}))
    const lines = progressLines(view({ providers: many }), canvas)
    expect(lines).toContain('  … and 18 more (9 training, 9 paid)')
    expect(lines.length).toBeLessThan(20)
  })

  it('fits its lines to the terminal, whatever the figures are, and obeys no escape sequence in a name', () => {
    const state = fc.constantFrom<ProviderView['state']>('asked', 'training', 'part-paid', 'left', 'checking')
    const providerOf = fc.record({
      name: fc.string({ unit: 'binary', maxLength: 30 }),
      round: fc.nat(20),
      step: fc.nat(100_000),
      steps: fc.nat(100_000),
      state,
      loss: fc.double({ noNaN: false }),
    })
    fc.assert(
      fc.property(
        fc.array(providerOf, { maxLength: 20 }),
        fc.array(fc.double(), { maxLength: 60 }),
        fc.integer({ min: 56, max: 200 }),
        (providers, losses, width) => {
          const lines = progressLines(view({ providers, losses }), { width, paint: plain })
          for (const line of lines) {
            expect([...line].length).toBeLessThanOrEqual(width)
            // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
            expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/)
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  it('draws bars and sparklines for values that are no numbers', () => {
    expect(bar(Number.NaN, 4)).toBe('────')
    expect(bar(7, 4)).toBe('━━━━')
    expect(sparkline([1, Number.NaN, 3], 9)).toBe('▁?█')
    expect(sparkline([2, 2], 9)).toBe('▁▁')
    expect(sparkline([], 9)).toBe('')
  })
})

describe('where nothing can be redrawn', () => {
  it('tells each event once', () => {
    const first = view({ round: 0, doing: 'waiting for bids', providers: [] })
    const second = view({ providers: [provider('ann', { state: 'asked', steps: 0 })] })
    const third = view({ providers: [provider('ann')] })
    const fourth = view({ providers: [provider('ann', { step: 50, loss: 0.5 })] })
    const fifth = view({ round: 2, losses: [0.41], providers: [provider('ann', { state: 'paid' })] })
    expect(changes(undefined, first)).toEqual(['Waiting for bids'])
    expect(changes(first, second)).toEqual(['Round 1 of 4', '  ann: asked'])
    expect(changes(second, third)).toEqual(['  ann: training, 100 steps'])
    expect(changes(third, fourth)).toEqual([])
    expect(changes(fourth, fifth)).toEqual([
      'Round 1 of 4 is done: loss 0.4100 (300 sats paid so far, 900 sats in locks)',
      'Round 2 of 4',
      '  ann: paid',
    ])
  })

  it('does not repeat itself about a provider that left and was hired again', () => {
    const providers = [provider('ann', { state: 'left' }), provider('ann')]
    expect(changes(view({ providers: providers.slice(0, 1) }), view({ providers }))).toEqual([
      '  ann: training, 100 steps',
    ])
    expect(changes(view({ providers }), view({ providers }))).toEqual([])
  })

  it('writes lines, and as JSON every event but at most one line a second of mere steps', () => {
    const said: string[] = []
    const told: unknown[] = []
    let now = 0
    const report: Report = {
      json: true,
      human: new PassThrough() as unknown as NodeJS.WriteStream, // no terminal, and nothing else is asked of it
      paint: plain,
      say: (...lines) => void said.push(...lines),
      note: () => undefined,
      event: (type, fields) => void told.push({ type, ...fields }),
      result: () => undefined,
      error: () => undefined,
    }
    const display = openProgress(report, () => now)
    display.show(view())
    const steps = (step: number) => view({ providers: [provider('ann', { step }), provider('bob')] })
    for (let step = 1; step <= 9; step++) {
      now += 200
      display.show(steps(step))
    }
    display.done()
    expect(said).toEqual(['Round 1 of 4', '  ann: training, 100 steps', '  bob: training, 100 steps'])
    expect(told).toEqual([
      { type: 'progress', ...view() },
      { type: 'progress', ...steps(5) },
      { type: 'progress', ...steps(9) },
    ])
  })
})
