import { describe, expect, it } from 'vitest'
import { readAll, rowsOf, testFolder } from './folder.test-support.ts'
import { encodeRows, readEncoding, readRows } from './index.ts'

const folder = testFolder()
const rows = (count: number, line: (i: number) => string, header: string) =>
  folder.write(
    `${header.length}-${count}.csv`,
    `${[header, ...Array.from({ length: count }, (_, i) => line(i))].join('\n')}\n`,
  )

/** The encoding of a model of flowers: a number, a text, a class. */
async function model(): Promise<string> {
  const file = rows(200, i => `${(i % 10) / 2},${['red', 'blue'][i % 2]},${'abc'[i % 3]}`, 'size,colour,kind')
  return (await folder.prepare(file, { out: folder.path('model') })).encoding
}

describe('a dataset for a model that goes on learning', () => {
  it("becomes the numbers that the model's own encoding makes of it, whatever it looks like itself", async () => {
    const encoding = await model()
    // Other columns, in another order, other sizes, a colour that is new, and two of the classes only.
    const file = rows(
      90,
      i => `${'cb'[i % 2]},${i},${['red', 'green'][i % 2]},${1000 + i}`,
      'kind,other,colour,size',
    )
    const prepared = await folder.prepare(file, { encoding })
    const parts = await readAll(prepared)
    const known = await readEncoding(encoding)
    if (known.kind !== 'table') throw new Error('expected a table')
    const given = await readRows(file)
    const y = given.map(row => 'abc'.indexOf(String(row.kind)))
    const all = { x: encodeRows(known, given), y, rows: 90, inputs: prepared.inputs }
    expect(parts.flatMap(rowsOf).sort()).toEqual(rowsOf(all).sort())
    expect(prepared).toMatchObject({ outputs: 3, classes: ['a', 'b', 'c'], target: 'kind' })
    expect(await readEncoding(prepared.encoding)).toEqual(known)
  })

  it.each([
    [
      'lacks a column',
      'size,color,kind',
      (i: number) => `${i},red,${'ab'[i % 2]}`,
      /needs a column "colour"/,
    ],
    [
      'has a class that it does not know',
      'size,colour,kind',
      (i: number) => `${i},red,${'ad'[i % 2]}`,
      /does not know the class "d": it tells "a", "b", "c" apart/,
    ],
    [
      'has texts where it knows numbers',
      'size,colour,kind',
      (i: number) => `${'xyz'[i % 3]},red,${'ab'[i % 2]}`,
      /"size" holds texts here; the model knows it with numbers/,
    ],
  ])('is refused when it %s', async (_, header, line, message) => {
    const encoding = await model()
    await expect(folder.prepare(rows(60, line, header), { encoding })).rejects.toThrow(message)
  })

  it('is refused when something else is to be predicted, or it is of another kind', async () => {
    const encoding = await model()
    const file = rows(60, i => `${i},${['red', 'blue'][i % 2]},${'ab'[i % 2]}`, 'size,colour,kind')
    await expect(folder.prepare(file, { encoding, target: 'colour' })).rejects.toThrow(
      /predicts "kind", not "colour"/,
    )
    await expect(folder.prepare('mnist', { encoding })).rejects.toThrow(
      /learned from a table, and these are images/,
    )
  })
})
