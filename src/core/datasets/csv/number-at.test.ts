import fc from 'fast-check'
import { expect, it } from 'vitest'
import { numberAt } from './number-at.ts'

function read(cell: string, decimal: string): number | undefined {
  const bytes = Buffer.from(`${cell};\n`)
  const column = new Float64Array(1)
  const end = numberAt(bytes, 0, column, 0, 0x3b, 0x0a, decimal.charCodeAt(0))
  if (end < 0) return undefined
  expect(end).toBe(cell.length)
  return column[0]
}

it('reads short decimal numbers to the last bit as JavaScript does', () => {
  const digits = fc.integer({ min: 0, max: 999_999_999 })
  fc.assert(
    fc.property(
      digits,
      fc.nat(9),
      fc.boolean(),
      fc.constantFrom('.', ','),
      (n, fraction, negative, decimal) => {
        const padded = String(n).padStart(fraction, '0').slice(0, 9)
        const cut = Math.max(0, padded.length - fraction)
        const number = `${negative ? '-' : ''}${padded.slice(0, cut)}.${padded.slice(cut)}`
        expect(read(number.replace('.', decimal), decimal)).toBe(Number(number))
      },
    ),
    { numRuns: 1_000 },
  )
})

it.each(['', '-', 'a', '1a', '1 ', '1e5', '1.2.3', '1234567890', '.', '+1', 'NaN', '"1"'])(
  'leaves %j to others',
  cell => {
    expect(read(cell, '.')).toBeUndefined()
  },
)

it('ends at a line end of either kind', () => {
  const column = new Float64Array(1)
  expect(numberAt(Buffer.from('12\r\n'), 0, column, 0, 0x2c, 0x0a, 0x2e)).toBe(3)
  expect(column[0]).toBe(12)
  expect(numberAt(Buffer.from('12\rx\n'), 0, column, 0, 0x2c, 0x0a, 0x2e)).toBe(-1)
})
