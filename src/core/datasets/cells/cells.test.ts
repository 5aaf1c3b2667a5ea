import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseDate } from './date.ts'
import { Dictionary, MISSING, UNLISTED } from './dictionary.ts'
import { type Decimal, parseNumber } from './number.ts'
import { readingOf } from './reading.ts'

describe('a number in a cell', () => {
  it.each<[string, Decimal, number | undefined]>([
    ['1234.5', '.', 1234.5],
    ['1,234.5', '.', 1234.5],
    ['1,234', '.', 1234],
    ['1,23', '.', undefined],
    ['1.234,5', ',', 1234.5],
    ['1.234', ',', 1234],
    ['0,5', ',', 0.5],
    ['1.5', ',', undefined],
    ['1 234,5', ',', 1234.5],
    ["1'234.5", '.', 1234.5],
    ['1\u00a0234', ',', 1234],
    ['-1,5e3', ',', -1500],
    ['€ 1.200,50', ',', 1200.5],
    ['$1,200.50', '.', 1200.5],
    ['-$5', '.', -5],
    ['45 %', '.', 45],
    ['n/a', '.', Number.NaN],
    ['-', ',', Number.NaN],
    ['inf', '.', Infinity],
    ['abc', '.', undefined],
    ['12:30', '.', undefined],
    ['1.2.3', ',', undefined],
  ])('%j with decimal %j is %d', (text, decimal, value) => {
    expect(parseNumber(text, decimal)).toBe(value)
  })

  it('is read back whatever JavaScript writes', () => {
    fc.assert(
      fc.property(
        fc.double({ noNaN: true }).map(value => value + 0),
        value => {
          expect(parseNumber(String(value), '.')).toBe(value)
          expect(parseNumber(String(value).replace('.', ','), ',')).toBe(value)
        },
      ),
    )
  })
})

describe('a date in a cell', () => {
  it.each([
    ['1970-01-02', 'ymd', 1],
    ['2024-02-29T06:00:00Z', 'ymd', 19_782.25],
    ['2024-02-29 06:00:00+06:00', 'ymd', 19_782],
    ['29.02.2024', 'dmy', 19_782],
    ['02/29/2024', 'mdy', 19_782],
    ['29/02/2024', 'mdy', undefined],
    ['2023-02-29', 'ymd', undefined],
    ['2024-02', 'ymd', undefined],
  ] as const)('%s as %s is day %d', (text, layout, days) => {
    expect(parseDate(text, layout)).toBe(days)
  })
})

describe('the reading of a column', () => {
  it.each([
    [['1', '2,5'], { kind: 'number', decimal: ',' }],
    [['1', '2.5', 'NA'], { kind: 'number', decimal: '.' }],
    [['007', '012'], { kind: 'text' }],
    [['31/12/2024', '01/02/2024'], { kind: 'date', layout: 'dmy' }],
    [['12/31/2024', '01/02/2024'], { kind: 'date', layout: 'mdy' }],
    [['a', '1'], { kind: 'text' }],
    [['', 'null'], { kind: 'text' }],
  ])('of %j is %j', (cells, reading) => {
    expect(readingOf(cells, '.')).toEqual(reading)
  })
})

describe('a dictionary', () => {
  it('gives equal texts one number, in the order they came, as a map would', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 4 })), texts => {
        const dictionary = new Dictionary(10_000)
        const expected = new Map<string, number>()
        for (const text of texts) {
          const bytes = Buffer.from(` ${text} `)
          const code = dictionary.codeOf(bytes, 0, bytes.length)
          if (code === MISSING) continue
          const trimmed = dictionary.values[code]!
          expect(text).toContain(trimmed)
          expect(code).toBe(expected.get(trimmed) ?? expected.size)
          expected.set(trimmed, code)
        }
        expect(dictionary.values).toEqual([...expected.keys()])
      }),
    )
  })

  it('lists no more than its limit, and knows missing values', () => {
    const dictionary = new Dictionary(300)
    const code = (text: string) => dictionary.codeOf(Buffer.from(text), 0, Buffer.byteLength(text))
    for (let i = 0; i < 300; i++) expect(code(`value ${i}`)).toBe(i)
    expect(dictionary.full).toBe(false)
    expect(code('one more')).toBe(UNLISTED)
    expect(dictionary.full).toBe(true)
    expect(code('value 299')).toBe(299)
    expect([code('N/A'), code('?'), code('')]).toEqual([MISSING, MISSING, MISSING])
  })
})
