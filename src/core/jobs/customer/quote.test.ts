import { describe, expect, it } from 'vitest'
import { bytes, type Sats, sats } from '../../../shared/units.ts'
import { capOf, type Demand, type LiveOffer, quote } from './quote.ts'

const demand: Demand = {
  providers: 2,
  rounds: 3,
  pflopPerRound: 1,
  shardBytes: 1000,
  mint: 'http://mint',
  blossoms: ['http://blossom'],
  strangers: 0.25,
  acquainted: () => false,
}
const offerOf = (provider: string, perPflop: number, mint = 'http://mint'): LiveOffer => ({
  provider,
  offer: {
    device: 'd',
    engines: [{ name: 'cpu', flopsPerSecond: 1e14 }],
    memory: bytes(1e9),
    price: { perPflop: sats(perPflop), minimum: sats(1) },
    maxDownload: bytes(1e9),
    strangers: { fraction: 0.25 },
    mints: [mint],
    blossoms: ['http://blossom'],
    relays: ['ws://relay'],
  },
})
const noFee = (): number => 0
const honest = [100, 110, 120, 130].map((price, i) => offerOf(`honest ${i}`, price))
const fakes = (n: number) => Array.from({ length: n }, (_, i) => offerOf(`fake ${i}`, 1))

describe('a quote', () => {
  it('is what the cheapest cost, a stranger’s first round a quarter, with a fee for each lock', () => {
    const found = quote(demand, honest, () => 2)
    // 25 + 100 + 100 and 28 + 110 + 110
    expect(found).toMatchObject({ prices: [100, 110], work: 473, fees: 12, total: 485, offers: 4 })
    expect(found.secondsPerRound).toBe(10)
    const known = quote({ ...demand, acquainted: who => who === 'honest 0' }, honest, noFee)
    expect(known.work).toBe(473 + 75)
  })

  it('reckons slots that nobody offers for at the dearest price known', () => {
    expect(quote({ ...demand, providers: 3 }, honest.slice(0, 2), noFee).prices).toEqual([100, 110, 110])
  })

  it('is refused where no offer fits', () => {
    expect(() => quote(demand, [offerOf('elsewhere', 1, 'http://other')], noFee)).toThrow(
      /None of the 1 live/,
    )
  })

  it('lets honest providers bid though as many false ones as the job has slots offer next to nothing', () => {
    for (const n of [2, 3, 4]) {
      const { maxPerRound, total, atMarket } = quote(demand, [...fakes(n), ...honest], noFee)
      expect(maxPerRound, `${n} false offers`).toBeGreaterThanOrEqual(150)
      expect(atMarket).toBeGreaterThan(total)
    }
  })

  it('counts one offer of one identity, however many machines it says it has', () => {
    const machines = Array.from({ length: 20 }, () => offerOf('one', 1))
    const found = quote(demand, [...machines, ...honest], noFee)
    expect([found.offers, found.prices, found.maxPerRound]).toEqual([5, [1, 100], 165])
  })

  it('follows those who worked for this home before, whatever the majority says', () => {
    const acquainted = (who: string): boolean => who.startsWith('honest')
    expect(quote({ ...demand, acquainted }, [...fakes(50), ...honest], noFee).maxPerRound).toBe(180)
    expect(quote(demand, [...fakes(50), ...honest], noFee).maxPerRound).toBe(2)
  })
})

describe('the cap', () => {
  const found = (total: number, atMarket: number) => ({
    ...quote(demand, honest, noFee),
    total: sats(total),
    atMarket: sats(atMarket),
  })

  it('without a budget covers the quote and a reserve, or the market’s price', () => {
    expect(capOf(found(100, 110), undefined)).toBe(125)
    expect(capOf(found(100, 300), undefined)).toBe(300)
  })

  it('is the budget, which must cover the quote', () => {
    expect(capOf(found(100, 300), 100 as Sats)).toBe(100)
    expect(() => capOf(found(100, 300), 99 as Sats)).toThrow(/would cost 100 sats/)
  })
})
