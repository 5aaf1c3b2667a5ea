import fc from 'fast-check'
import { expect, it } from 'vitest'
import { DateColumn } from './date-column.ts'
import { MOST_DISTINCT } from './number-facts.ts'

function columnOf(days: readonly number[]): DateColumn {
  const column = new DateColumn('ymd')
  column.absorb(Float64Array.from(days), days.length)
  return column
}

function joined(parts: readonly number[][]): DateColumn {
  const column = new DateColumn('ymd')
  parts.forEach((part, i) => void column.join(columnOf(part).part(), i))
  return column
}

it('knows the same of dates that were cut into parts, wherever', () => {
  const day = fc.oneof(fc.integer({ min: 19_000, max: 19_010 }), fc.constantFrom(19_000.5, NaN))
  fc.assert(
    fc.property(fc.array(fc.array(day, { maxLength: 6 }), { maxLength: 6 }), parts => {
      expect(joined(parts).part()).toEqual(columnOf(parts.flat()).part())
      expect(joined(parts).distinct).toBe(new Set(parts.flat().filter(n => !Number.isNaN(n))).size)
    }),
  )
})

it('stops counting when parts together have too many different dates', () => {
  const from = (first: number) => Array.from({ length: MOST_DISTINCT / 2 }, (_, i) => first + i)
  const enough = joined([from(0), from(500)])
  expect([enough.many, enough.distinct]).toEqual([false, MOST_DISTINCT])
  expect(joined([from(0), from(500), [0.5]]).many).toBe(true)
})
