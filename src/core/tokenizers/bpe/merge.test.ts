import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { learnMerges } from './learn.ts'
import { type Merges, mergeWord } from './merge.ts'
import { PairMap } from './pairs.ts'

const LETTERS = 3

/** As Sennrich et al. 2016 write it down: count all pairs, merge the most frequent one everywhere, again. */
function learnPlainly(words: number[][], vocabulary: number): [number, number][] {
  const merges: [number, number][] = []
  for (let next = LETTERS; next < vocabulary; next++) {
    const counts = new Map<string, number>()
    for (const word of words)
      for (let i = 0; i + 1 < word.length; i++) {
        const pair = `${word[i]},${word[i + 1]}`
        counts.set(pair, (counts.get(pair) ?? 0) + 1)
      }
    const [best] = [...counts]
      .map(([pair, count]) => ({ pair: pair.split(',').map(Number) as [number, number], count }))
      .sort((a, b) => b.count - a.count || a.pair[0] - b.pair[0] || a.pair[1] - b.pair[1])
    if (!best) break
    merges.push(best.pair)
    for (const word of words) mergePlainly(word, best.pair, next)
  }
  return merges
}

function mergePlainly(word: number[], [left, right]: [number, number], to: number): void {
  for (let i = 0; i + 1 < word.length; i++)
    if (word[i] === left && word[i + 1] === right) word.splice(i, 2, to)
}

const word = fc.array(fc.nat(LETTERS - 1), { minLength: 1, maxLength: 80 })
const corpus = fc.array(word, { minLength: 1, maxLength: 8 })

/** Names that no two different merges share, so that both number alike. */
const learn = (words: number[][], vocabulary: number) => {
  const names = ['(a)', '(b)', '(c)']
  const numbers = new Map(names.map((name, i) => [name, i]))
  const counted = words.map(symbols => ({ symbols: Int32Array.from(symbols), count: 1 }))
  const merges = learnMerges(counted, names, numbers, vocabulary)
  return merges.map(([left, right]): [number, number] => [numbers.get(left)!, numbers.get(right)!])
}

const tabled = (merges: [number, number][]): Merges => {
  const ranks = new PairMap()
  for (const [rank, [left, right]] of merges.entries()) ranks.set(left, right, rank)
  return { ranks, merged: Int32Array.from(merges, (_, rank) => LETTERS + rank) }
}

describe('byte-pair encoding', () => {
  it('learns what counting all pairs again and again would', () => {
    fc.assert(
      fc.property(corpus, fc.integer({ min: 3, max: 12 }), (words, vocabulary) => {
        const plainly = learnPlainly(
          words.map(symbols => [...symbols]),
          vocabulary,
        )
        // Two ways to the same text share a number with us; the plain one does not know texts.
        const texts = ['a', 'b', 'c']
        for (const [left, right] of plainly) texts.push(texts[left]! + texts[right]!)
        fc.pre(new Set(texts).size === texts.length)
        expect(learn(words, vocabulary)).toEqual(plainly)
      }),
    )
  })

  it('merges the lowest rank first, the leftmost of equals, in short and long words', () => {
    fc.assert(
      fc.property(corpus, word, (words, text) => {
        const merges = learnPlainly(
          words.map(symbols => [...symbols]),
          10,
        )
        const expected = [...text]
        for (const [rank, pair] of merges.entries()) mergePlainly(expected, pair, LETTERS + rank)
        const symbols = Int32Array.from(text)
        const length = mergeWord(symbols, symbols.length, tabled(merges))
        expect([...symbols.subarray(0, length)]).toEqual(expected)
      }),
    )
  })

  it('takes a word of 65,536 letters', () => {
    const symbols = new Int32Array(2 ** 16)
    const merges = tabled(Array.from({ length: 16 }, (_, i) => [i === 0 ? 0 : i + 2, i === 0 ? 0 : i + 2]))
    expect(mergeWord(symbols, symbols.length, merges)).toBe(1)
    expect(symbols[0]).toBe(LETTERS + 15)
  })
})

describe('a map of pairs', () => {
  it('keeps the last value of each', () => {
    const entry = fc.tuple(fc.nat(40), fc.nat(40), fc.nat(1_000))
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 400 }), entries => {
        const map = new PairMap(1)
        const expected = new Map<string, number>()
        for (const [left, right, value] of entries) {
          map.set(left, right, value)
          expected.set(`${left},${right}`, value)
        }
        expect(map.size).toBe(expected.size)
        for (let left = 0; left <= 40; left++)
          for (let right = 0; right <= 40; right++)
            expect(map.get(left, right)).toBe(expected.get(`${left},${right}`) ?? -1)
      }),
      { numRuns: 20 },
    )
  })
})
