import fc from 'fast-check'
import { expect, it } from 'vitest'
import { MOST_DISTINCT, NumberFacts } from './number-facts.ts'

function factsOf(values: readonly number[]): NumberFacts {
  const facts = new NumberFacts()
  facts.absorb(Float64Array.from(values), values.length)
  return facts
}

function joined(parts: readonly number[][]): NumberFacts {
  const facts = new NumberFacts()
  for (const part of parts) facts.joinNumbers(factsOf(part).numbers())
  return facts
}

it('knows the same of numbers that were cut into parts, wherever', () => {
  const value = fc.oneof(fc.integer({ min: -3, max: 5_000 }), fc.constantFrom(0.1, 0.5, NaN, -0, Infinity))
  const counting = fc
    .tuple(fc.double({ noNaN: true, min: -9, max: 2 ** 54 }), fc.nat(9))
    .map(([first, rows]) => Array.from({ length: rows }, (_, i) => first + i))
  const column = fc.oneof(fc.array(value, { maxLength: 12 }), counting)
  fc.assert(
    fc.property(column, fc.array(fc.nat(12)), (values, cuts) => {
      const edges = [0, ...cuts.map(cut => Math.min(cut, values.length)).sort((a, b) => a - b), values.length]
      const parts = edges.slice(1).map((edge, i) => values.slice(edges[i], edge))
      expect(joined(parts).numbers()).toEqual(factsOf(values).numbers())
    }),
    { examples: [[[0, -0], [1]]] },
  )
})

it('tells rows that count by one across a cut, and those that skip one there', () => {
  expect(joined([[3, 4], [5]]).counting).toBe(true)
  expect(joined([[3, 4], [6]]).counting).toBe(false)
})

it('stops counting values when parts together have too many', () => {
  const from = (first: number) => Array.from({ length: MOST_DISTINCT / 2 }, (_, i) => first + i)
  const enough = joined([from(0), from(500)])
  expect([enough.many, enough.distinct]).toEqual([false, MOST_DISTINCT])
  expect(joined([from(0), from(500), [0.5]]).many).toBe(true)
})
