import { describe, expect, it } from 'vitest'
import { bytesText, clip, duration, flopsText, harmless, printable, satsText, score } from './format.ts'
import { table } from './table.ts'

describe('what a person reads', () => {
  it('has units and thousands apart', () => {
    expect([0, 1, 1_234_567].map(satsText)).toEqual(['0 sats', '1 sat', '1,234,567 sats'])
    expect([0, 999, 1500, 123_456_789].map(bytesText)).toEqual(['0 B', '999 B', '1.5 kB', '123 MB'])
    expect(flopsText(4.2e10)).toBe('42.0 GFLOP/s')
    expect([0.4, 59.4, 65, 3600, 90_000].map(duration)).toEqual([
      '0 s',
      '59 s',
      '1 min 05 s',
      '1 h 00 min',
      '1 d 1 h',
    ])
    expect([0.5, 12.345, 1234, Number.NaN, undefined].map(score)).toEqual([
      '0.5000',
      '12.35',
      '1.23e+3',
      'n/a',
      'n/a',
    ])
  })

  it('holds nothing that a terminal would obey', () => {
    expect(printable('a\u001b[31mb\r\n\u009bc\u202e\td')).toBe('a�[31mb �c� d')
    expect(printable('Zürich 日本')).toBe('Zürich 日本')
    expect(harmless('\u001b[31mred\u001b[39m \u001b[2J\u001b]0;title\u0007x')).toBe(
      '\u001b[31mred\u001b[39m �[2J�]0;title�x',
    )
  })

  it('is cut with an ellipsis', () => {
    expect([clip('abcdef', 4), clip('abc', 4), clip('abc', 0)]).toEqual(['abc…', 'abc', ''])
  })

  it('stands in aligned columns, also with colours and characters outside of the basic plane', () => {
    const lines = table(
      [{ title: 'name' }, { title: 'sats', align: 'right' }],
      [
        ['𝒳', '1'],
        ['\u001b[32mlonger\u001b[39m', '1,000'],
      ],
    )
    expect(lines).toEqual(['name     sats', '𝒳           1', '\u001b[32mlonger\u001b[39m  1,000'])
  })
})
