import { describe, expect, it } from 'vitest'
import { testFolder } from './folder.test-support.ts'
import { encodeRows, encoding, readRows, type TableEncoding } from './index.ts'

const folder = testFolder()
const example: TableEncoding = {
  v: 1,
  kind: 'table',
  features: [
    { kind: 'numeric', name: 'n', mean: 10, scale: 2, fill: 10, indicator: true },
    { kind: 'categorical', name: 'c', values: ['x', 'y'] },
    { kind: 'date', name: 'd', layout: 'dmy', time: false, mean: 0, scale: 1, indicator: false },
  ],
  target: { kind: 'class', name: 't', values: ['no', 'yes'] },
}

describe('rows to predict', () => {
  it('are read in the spelling of their own file', async () => {
    const file = folder.write('p.csv', 'n;c;d;more\n1.234,5;x;31.12.2024;z\n0,5;"y;1";01.01.2024;\n')
    expect(await readRows(file)).toEqual([
      { n: 1234.5, c: 'x', d: '31.12.2024', more: 'z' },
      { n: 0.5, c: 'y;1', d: '01.01.2024', more: null },
    ])
  })

  it('keep codes as they stand', async () => {
    expect(await readRows(folder.write('p.csv', 'zip,n\n01234,1.50\n'))).toEqual([
      { zip: '01234', n: '1.50' },
    ])
  })
})

describe('encodeRows', () => {
  it('standardises, sets one input per category, and marks what is missing', () => {
    const x = encodeRows(example, [
      { n: 14, c: 'y', d: '01.01.1970', other: 'ignored' },
      { n: null, c: 'unknown', d: null },
    ])
    const monday = (2 * Math.PI * 3) / 7
    const first = [2, 0, 0, 1, 0, 0, 0, 1, Math.sin(monday), Math.cos(monday)]
    expect(Array.from(x)).toEqual([...first, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0].map(Math.fround))
  })

  it('takes numbers as text, as files have them', () => {
    expect(encodeRows(example, [{ n: ' 1,014 ', c: ' x ', d: '2024-12-31' }])[0]).toBe(502)
  })

  it('names the columns that are not there', () => {
    expect(() => encodeRows(example, [{ n: 1, t: 'no' }])).toThrow(/2 columns that are not there: "c", "d"/)
  })

  it.each([
    ['n', 'abc', /Row 2, column "n": "abc" is not a finite number/],
    ['n', Infinity, /Row 2, column "n": "Infinity"/],
    ['d', 'soon', /Row 2, column "d": "soon" is not a date/],
  ])('names the cell when %s is %s', (name, value, message) => {
    const row = { n: 1, c: 'x', d: '01.01.2024' }
    expect(() => encodeRows(example, [row, { ...row, [name]: value }])).toThrow(message)
  })

  it('has a schema that refuses what cannot be an encoding', () => {
    expect(encoding.safeParse(example).success).toBe(true)
    const [numeric] = example.features
    expect(encoding.safeParse({ ...example, features: [{ ...numeric, scale: 0 }] }).success).toBe(false)
    expect(encoding.safeParse({ ...example, features: [] }).success).toBe(false)
  })
})
