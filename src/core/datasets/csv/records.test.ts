import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { textOf } from '../cells/column.ts'
import { RecordReader } from './records.ts'

/** Reads `bytes` in pieces that are cut at `cuts`. */
function read(bytes: Uint8Array, cuts: number[], separator = ','): { rows: string[][]; lines: number[] } {
  const rows: string[][] = []
  const lines: number[] = []
  let cells: string[] = []
  const sink = {
    numbers: [],
    at: 0,
    decimal: 0,
    cell(index: number, buffer: Uint8Array, start: number, end: number) {
      if (index === 0) cells = []
      cells[index] = textOf(buffer, start, end)
    },
    end(count: number, line: number) {
      expect(count).toBe(cells.length)
      lines.push(line)
      rows.push(cells)
      return true
    },
  }
  const reader = new RecordReader(sink, separator, 'lf', 'test.csv')
  const edges = [0, ...cuts.map(cut => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  for (let i = 1; i < edges.length; i++) reader.push(bytes.subarray(edges[i - 1], edges[i]))
  reader.finish()
  return { rows, lines }
}

const text = (s: string) => Buffer.from(s)
const quote = (cell: string) => `"${cell.replaceAll('"', '""')}"`
const plain = (cell: string) => /^[^",\r\n]+$/.test(cell)

describe('records', () => {
  it('gives back every table that was written with quotes, however it is cut into pieces', () => {
    const cell = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom('"', ',', '\n', '\r', 'a', 'é', '€') }),
    )
    const table = fc
      .integer({ min: 2, max: 4 })
      .chain(width => fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1 }))
    fc.assert(
      fc.property(
        table,
        fc.array(fc.nat()),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        (rows, cuts, end, last) => {
          const lines = rows.map(row => row.map(c => (plain(c) ? c : quote(c))).join(','))
          expect(read(text(lines.join(end) + (last ? end : '')), cuts).rows).toEqual(rows)
        },
      ),
      { numRuns: 300 },
    )
  })

  it('skips empty lines and counts lines inside quotes', () => {
    const { rows, lines } = read(text('a,b\r\n\r\n"x\ny",1\n\nz,2'), [3, 5, 9])
    expect(rows).toEqual([
      ['a', 'b'],
      ['x\ny', '1'],
      ['z', '2'],
    ])
    expect(lines).toEqual([1, 3, 6])
  })

  it('keeps quotes inside cells and text behind a closing quote', () => {
    expect(read(text('5" pipe,"a"b\n'), []).rows).toEqual([['5" pipe', 'ab']])
  })

  it('names the row whose quote is never closed', () => {
    expect(() => read(text('a,b\n1,2\n3,"4\n5,6\n'), [])).toThrow(
      /row on line 3 a quote opens that is never closed/,
    )
  })
})
