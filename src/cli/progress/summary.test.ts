import { describe, expect, it } from 'vitest'
import { plain } from '../format.ts'
import { type MoneySummary, moneyLines } from './summary.ts'

const money = (more: Partial<MoneySummary> = {}): MoneySummary => ({
  quoted: 1300,
  cap: 1500,
  locked: 1200,
  paid: 1100,
  refunded: 100,
  open: 0,
  fees: 11,
  before: 10_000,
  after: 8889,
  practice: false,
  providers: [
    { name: 'ann', rounds: 5, paidRounds: 5, paid: 600, refunded: 0 },
    { name: 'bob', rounds: 5, paidRounds: 4, paid: 500, refunded: 100, remark: 'silent in round 5' },
  ],
  ...more,
})

describe('where every sat went', () => {
  it('accounts for each provider, what came back, the fees and the balance', () => {
    expect(moneyLines(money(), plain)).toEqual([
      'Where every sat went',
      '  Locked with providers   1,200  of 1,300 sats quoted, cap 1,500 sats',
      '    paid for work         1,100',
      '      ann                   600  5 of 5 rounds',
      '      bob                   500  4 of 5 rounds, 100 sats came back, silent in round 5',
      '    came back               100',
      '  Fees to the mint           11  1.0 % of what was paid',
      '  Balance before         10,000',
      '  Balance now             8,889',
    ])
  })

  it('shows what is still locked and when it comes back', () => {
    const lines = moneyLines(money({ refunded: 0, open: 100, openUntil: 1_800_000_000, after: 8789 }), plain)
    expect(lines.find(line => line.includes('still locked'))).toMatch(
      /100 {2}comes back by itself, at the latest 2027/,
    )
    expect(lines.join('\n')).not.toContain('add up')
  })

  it.each([
    ['a lock that is unaccounted for', { locked: 1201 }],
    ['a balance that fell by more', { after: 8888 }],
    ['a provider whose share is missing', { providers: [] }],
  ])('says that figures do not add up: %s', (_what, wrong) => {
    expect(moneyLines(money(wrong), plain).at(-1)).toMatch(/do not add up/)
  })
})
