import { createHash } from 'node:crypto'
import { existsSync, readFileSync, statSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytes } from '../../shared/units.ts'
import { prepareRows, readAll, readPart, rowsOf, testFolder } from './folder.test-support.ts'
import { encodeRows, inputsOf, readEncoding, readRows, type TableEncoding } from './index.ts'
import { withSystemErrors } from './system.ts'

const folder = testFolder()
const table = (rows: number, line: (i: number) => string, header: string) =>
  `${[header, ...Array.from({ length: rows }, (_, i) => line(i))].join('\n')}\n`
const flowers = table(
  300,
  i =>
    `${i},${(i * 7919) % 100},${i % 9 === 0 ? '' : (i % 17) / 4},${['red', 'blue', 'NA', 'green'][i % 4]},2024-0${(i % 9) + 1}-15,${'abc'[i % 3]}`,
  'id,width,height,colour,day,kind',
)

/** Only tables come out of these tests. */
async function tableEncoding(path: string): Promise<TableEncoding> {
  const encoding = await readEncoding(path)
  if (encoding.kind !== 'table') throw new Error('expected a table')
  return encoding
}

describe('prepare', () => {
  it('puts every row in exactly one place, encoded as encodeRows does it', async () => {
    const file = folder.write('f.csv', flowers)
    const prepared = await folder.prepare(file, { shards: 3 })
    const parts = await readAll(prepared)
    const encoding = await tableEncoding(prepared.encoding)
    const rows = await readRows(file)
    const all = {
      x: encodeRows(encoding, rows),
      y: rows.map(row => 'abc'.indexOf(String(row.kind))),
      rows: 300,
      inputs: inputsOf(encoding),
    }
    expect(parts.flatMap(rowsOf).sort()).toEqual(rowsOf(all).sort())
    expect(prepared).toMatchObject({
      task: 'classification',
      target: 'kind',
      outputs: 3,
      classes: ['a', 'b', 'c'],
      rows: 300,
      holdoutRows: 45,
    })
    expect(prepared.inputs).toBe(all.inputs)
    expect(parts.map(({ rows }) => rows)).toEqual([45, 85, 85, 85])
    for (const { y } of parts) expect(new Set(Array.from(y)).size).toBe(3)
  })

  it('says truly what it wrote', async () => {
    const prepared = await folder.prepare(folder.write('f.csv', flowers))
    expect(prepared.shards.length).toBe(2)
    for (const { path, rows, bytes, sha256 } of prepared.shards) {
      expect(statSync(path).size).toBe(bytes)
      expect(createHash('sha256').update(readFileSync(path)).digest('hex')).toBe(sha256)
      expect((await readPart(path)).rows).toBe(rows)
    }
  })

  it('fits the encoding on the shards only', async () => {
    const file = folder.write('f.csv', flowers)
    const prepared = await folder.prepare(file)
    const encoding = await tableEncoding(prepared.encoding)
    const [holdout, ...shards] = await readAll(prepared)
    const width = encoding.features.findIndex(({ name }) => name === 'width')
    const values = shards.flatMap(({ x, rows, inputs }) =>
      Array.from({ length: rows }, (_, i) => x[i * inputs + width]!),
    )
    const mean = values.reduce((a, b) => a + b, 0) / values.length
    const variance = values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length
    expect(mean).toBeCloseTo(0, 5)
    expect(variance).toBeCloseTo(1, 5)
    const held = Array.from({ length: holdout!.rows }, (_, i) => holdout!.x[i * holdout!.inputs + width]!)
    expect(Math.abs(held.reduce((a, b) => a + b, 0) / held.length)).toBeGreaterThan(1e-3)
  })

  it('knows no category that only the holdout has, and groups the rare ones', async () => {
    const text = table(
      400,
      i => `${i % 10},${i < 200 ? 'often' : i === 399 ? 'once' : 'also'},${i % 2}`,
      'a,c,target',
    )
    const encoding = await tableEncoding((await folder.prepare(folder.write('c.csv', text))).encoding)
    expect(encoding.features[1]).toEqual({ kind: 'categorical', name: 'c', values: ['also', 'often'] })
  })

  it('gives the same bytes for the same seed, and other rows for another', async () => {
    const file = folder.write('f.csv', flowers)
    const sums = async (out: string, seed: number) =>
      (await folder.prepare(file, { out: folder.path(out), seed })).shards.map(({ sha256 }) => sha256)
    expect(await sums('a', 5)).toEqual(await sums('b', 5))
    expect(await sums('c', 6)).not.toEqual(await sums('a', 5))
  })

  it('gives the same bytes when rows do not fit into memory', async () => {
    const file = folder.write(
      'big.csv',
      table(30_000, i => `${i / 7},${i % 3 ? 'x' : ''},${i % 2 ? 'p' : 'q'}`, 'n,t,target'),
    )
    const inMemory = await folder.prepare(file, { out: folder.path('a') })
    const onDisk = await folder.prepare(file, {
      out: folder.path('b'),
      memory: bytes(300_000),
      temporary: folder.path(''),
    })
    expect(onDisk.shards.map(s => s.sha256)).toEqual(inMemory.shards.map(s => s.sha256))
    expect(folder.files()).toEqual(['a', 'b', 'big.csv'])
  })

  it('makes classes of a skewed split rare in each shard', async () => {
    const file = folder.write(
      's.csv',
      table(1_000, i => `${i / 3},${i % 10}`, 'a,label'),
    )
    const prepared = await folder.prepare(file, { shards: 10, skew: { classesPerShard: 2 } })
    const [, ...shards] = await readAll(prepared)
    for (const { y } of shards) expect(new Set(Array.from(y)).size).toBeLessThanOrEqual(4)
  })

  it('standardises a regression target and keeps back every tenth of its range', async () => {
    const file = folder.write(
      'r.csv',
      table(500, i => `${i % 50},${i * i + 0.5}`, 'a,price'),
    )
    const prepared = await folder.prepare(file)
    const { target } = await tableEncoding(prepared.encoding)
    expect(prepared).toMatchObject({ task: 'regression', outputs: 1, rows: 500, holdoutRows: 75 })
    const parts = await readAll(prepared)
    if (target.kind !== 'number') throw new Error('expected a number')
    const prices = parts
      .flatMap(({ y }) => Array.from(y, v => v * target.scale + target.mean))
      .sort((a, b) => a - b)
    for (const [i, price] of prices.entries()) expect(Math.abs(price - (i * i + 0.5))).toBeLessThan(0.05)
    const held = Array.from(parts[0]!.y, v => Math.sqrt(v * target.scale + target.mean - 0.5))
    for (let tenth = 0; tenth < 10; tenth++) {
      const inside = held.filter(i => Math.floor((i + 0.01) / 50) === tenth).length
      expect(inside).toBeGreaterThanOrEqual(7)
      expect(inside).toBeLessThanOrEqual(8)
    }
  })

  it('leaves out rows without an answer', async () => {
    const file = folder.write(
      't.csv',
      table(200, i => `${i / 3},${i % 4 === 0 ? '' : i % 3}`, 'a,target'),
    )
    const prepared = await folder.prepare(file)
    expect(prepared.rows).toBe(150)
    expect(prepared.inspection.problems.map(({ code }) => code)).toContain('dataset/target-missing')
  })

  it('encodes any table so that encodeRows agrees, row by row', async () => {
    const cell = fc.record({
      n: fc.option(fc.double({ min: -1e6, max: 1e6, noNaN: true })),
      t: fc.option(fc.constantFrom('x', 'y z', 'é"q"', 'a,b', 'line\nbreak')),
      y: fc.constantFrom('p', 'q'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(cell, { minLength: 24, maxLength: 60 }), fc.nat(), async (cells, seed) => {
        const quote = (s: string) => `"${s.replaceAll('"', '""')}"`
        const body = cells.map(({ n, t, y }, i) =>
          [i % 2 ? 1.5 : 2, n ?? '', t === null ? '' : quote(t), i < 8 ? 'pq'[i % 2] : y].join(','),
        )
        const file = folder.write('any.csv', ['k,n,t,y', ...body].join('\r\n'))
        const prepared = await folder.prepare(file, { seed })
        const encoding = await tableEncoding(prepared.encoding)
        const rows = await readRows(file)
        const y = rows.map(row => 'pq'.indexOf(String(row.y)))
        const all = { x: encodeRows(encoding, rows), y, rows: rows.length, inputs: prepared.inputs }
        expect((await readAll(prepared)).flatMap(rowsOf).sort()).toEqual(rowsOf(all).sort())
      }),
      { numRuns: 25 },
    )
  })
})

describe('prepare refuses, and leaves nothing behind:', () => {
  const cases: [string, string, string, object?][] = [
    ['a single class', table(50, i => `${i / 2},same`, 'a,target'), 'dataset/single-class'],
    ['a target that is all missing', table(50, i => `${i / 2},NA`, 'a,target'), 'dataset/target-empty'],
    [
      'a target with a class for each row',
      table(50, i => `${i / 2},name ${i}`, 'a,target'),
      'dataset/too-many-classes',
    ],
    [
      'text as a regression target',
      table(50, i => `${i / 2},${'ab'[i % 2]}`, 'a,b'),
      'dataset/target-not-numbers',
      { task: 'regression' },
    ],
    [
      'a constant regression target',
      table(50, i => `${i / 2},5`, 'a,b'),
      'dataset/target-constant',
      { target: 'b', task: 'regression' },
    ],
    [
      'an unknown target',
      table(50, i => `${i / 2},${i % 2}`, 'a,b'),
      'dataset/unknown-target',
      { target: 'c' },
    ],
    ['infinity', table(50, i => `${i === 20 ? 'inf' : i / 2},${i % 2}`, 'a,b'), 'dataset/infinite'],
    ['nothing to learn from', table(50, i => `${i},${i % 2}`, 'id,b'), 'dataset/no-features'],
    [
      'too few rows for the shards',
      table(9, i => `${i / 2},${i % 2}`, 'a,b'),
      'dataset/too-few-rows',
      { shards: 8 },
    ],
    [
      'a holdout of half a million rows',
      table(50, i => `${i / 2},${i % 2}`, 'a,b'),
      'dataset/holdout',
      { holdout: 500_000 },
    ],
    [
      'a row that is too long, in the middle',
      `${table(20_000, i => `${i / 2},${i % 2}`, 'a,b')}1,2,3\n`,
      'dataset/ragged-row',
    ],
  ]
  it.each(cases)('%s', async (_, text, code, options = {}) => {
    const file = folder.write('bad.csv', text)
    await expect(folder.prepare(file, { temporary: folder.path(''), ...options })).rejects.toMatchObject({
      code,
      fix: expect.stringMatching(/^[A-Z].*[.?]$/),
    })
    expect(folder.files()).toEqual(['bad.csv'])
  })

  it('a path that does not exist', () =>
    expect(folder.prepare(folder.path('no.csv'))).rejects.toMatchObject({
      code: 'dataset/not-found',
      where: folder.path('no.csv'),
    }))

  it('columns of which hardly a value occurs twice', async () => {
    const text = table(24, i => `${['a', 'b'][i] ?? ''},${i % 2}`, 'c,target')
    await expect(folder.prepare(folder.write('bad.csv', text), { shards: 1 })).rejects.toMatchObject({
      code: 'dataset/no-features',
    })
    expect(folder.files()).toEqual(['bad.csv'])
  })

  it('a disk that is full', async () => {
    const full = () =>
      Promise.reject(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }))
    await expect(withSystemErrors('x.csv', full)).rejects.toMatchObject({
      code: 'dataset/enospc',
      message: 'The disk is full.',
    })
  })

  it('to go on when told to stop', async () => {
    const stop = new AbortController()
    stop.abort()
    const options = {
      path: folder.write('f.csv', flowers),
      out: folder.path('out'),
      shards: 2,
      seed: 1,
      signal: stop.signal,
    }
    await expect(prepareRows(options)).rejects.toThrow(/abort/)
    expect(existsSync(folder.path('out'))).toBe(false)
  })
})
