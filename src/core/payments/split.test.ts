import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inputFee, largestPart, selectInputs, split, splitForParts, splitWithFee } from './split.ts'

const denominations = Array.from({ length: 32 }, (_, i) => 2 ** i)
const sum = (amounts: number[]) => amounts.reduce((total, amount) => total + amount, 0)
const amount = fc.integer({ min: 1, max: 2_000_000 })
const ppk = fc.integer({ min: 0, max: 500 })

describe('splitting an amount', () => {
  it('loses nothing and uses the mint’s denominations', () =>
    fc.assert(
      fc.property(amount, a => {
        for (const parts of [split(a, denominations), splitForParts(a, denominations)]) {
          expect(sum(parts)).toBe(a)
          expect(parts.every(part => denominations.includes(part))).toBe(true)
        }
      }),
    ))

  it('refuses an amount that the denominations cannot make', () => {
    expect(() => split(3, [2, 4])).toThrow(RangeError)
  })

  it('makes a lock of few proofs', () =>
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), a => {
        expect(splitForParts(a, denominations).length).toBeLessThanOrEqual(14)
      }),
    ))

  it('leaves the provider at least the price after its fee, and at most one proof’s fee more', () =>
    fc.assert(
      fc.property(amount, ppk, (price, fee) => {
        fc.pre(inputFee(25, fee) < price)
        const parts = splitWithFee(price, fee, denominations)
        const net = sum(parts) - inputFee(parts.length, fee)
        expect(net).toBeGreaterThanOrEqual(price)
        expect(net).toBeLessThanOrEqual(price + inputFee(25, fee))
      }),
    ))

  it('refuses a price that the fees would eat', () => {
    expect(() => splitWithFee(1, 5000, denominations)).toThrow(/sat per proof/)
  })
})

describe('releasing a part', () => {
  const subsets = (amounts: number[]) =>
    Array.from({ length: 2 ** amounts.length }, (_, mask) => amounts.filter((_, i) => mask & (2 ** i)))

  it('is the subset that is worth most of those worth at most what was asked', () =>
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(1, 2, 4, 8, 16, 32, 64), { minLength: 1, maxLength: 9 }),
        fc.integer({ min: 0, max: 300 }),
        fc.constantFrom(0, 100, 200, 1000),
        (amounts, asked, fee) => {
          const net = (part: number[]) => sum(part) - inputFee(part.length, fee)
          const best = Math.max(
            0,
            ...subsets(amounts)
              .map(net)
              .filter(n => n <= asked),
          )
          const part = largestPart(amounts, asked, fee).map(i => amounts[i] ?? 0)
          expect(net(part)).toBe(best)
        },
      ),
      // Once found at random: of the two ways to 128 the one with the higher fee is the right one.
      { examples: [[[64, 64, 32, 32, 1], 125, 1000]] },
    ))

  it('is found at once in the largest locks there are', () => {
    const amounts = splitWithFee(1_999_999, 500, denominations)
    const before = process.cpuUsage()
    for (let asked = 0; asked < 1_999_999; asked += 9_973) largestPart(amounts, asked, 500)
    // Some ten milliseconds of processor time; to try all subsets would have no end.
    const { user } = process.cpuUsage(before)
    expect(user).toBeLessThan(5e6)
  })

  it('comes within a quarter of the price of what was asked', () =>
    fc.assert(
      fc.property(
        fc.integer({ min: 16, max: 100_000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (price, share) => {
          const amounts = splitWithFee(price, 100, denominations)
          const asked = Math.floor(price * share)
          const part = largestPart(amounts, asked, 100).map(i => amounts[i] ?? 0)
          const net = sum(part) - inputFee(part.length, 100)
          expect(net).toBeLessThanOrEqual(asked)
          expect(net).toBeGreaterThan(asked - price / 4 - 4)
        },
      ),
    ))

  it('is everything for the whole price and nothing for nothing', () => {
    const amounts = splitWithFee(100, 100, denominations)
    expect(largestPart(amounts, 100, 100)).toHaveLength(amounts.length)
    expect(largestPart(amounts, 0, 100)).toEqual([])
  })
})

describe('choosing inputs', () => {
  it('covers the need and its own fee whenever that is possible, without a proof too many', () =>
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 512 }), { maxLength: 30 }),
        amount,
        ppk,
        (amounts, a, feePpk) => {
          const need = a % 4000
          const proofs = amounts.map(value => ({ amount: value, feePpk }))
          const chosen = selectInputs(proofs, need)
          const net = (of: typeof proofs) => sum(of.map(p => p.amount)) - inputFee(of.length, feePpk)
          const worthwhile = proofs.filter(p => p.amount * 1000 > feePpk)
          if (!chosen) expect(net(worthwhile)).toBeLessThan(need)
          else {
            expect(net(chosen)).toBeGreaterThanOrEqual(need)
            expect(new Set(chosen).size).toBe(chosen.length)
            for (const proof of chosen)
              if (need > 0) expect(net(chosen.filter(p => p !== proof))).toBeLessThanOrEqual(net(chosen))
          }
        },
      ),
    ))
})
