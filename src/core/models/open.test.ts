import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openModel } from './open.ts'
import { digits, flowers, smallModel } from './small-model.test-support.ts'

let root: string
let table: string
let images: string
beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'gradstr-open-'))
  for (const name of ['flowers', 'digits']) mkdirSync(join(root, name))
  table = (await smallModel(join(root, 'flowers'), flowers)).out
  images = (await smallModel(join(root, 'digits'), digits)).out
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

const row = { area: 80, city: 'Paris', built: 1999 }

describe('asking a model about rows', () => {
  const ask = async (
    rows: Parameters<Awaited<ReturnType<typeof openModel>>['predict']>[0],
    _first?: number,
  ) => {
    const model = await openModel(table)
    try {
      return await model.predict(rows)
    } finally {
      await model.close()
    }
  }

  it('gives a class, its probability and those of all classes', async () => {
    const [one] = await ask([row])
    expect(['rose', 'tulip', 'lis', 'Ölbaum']).toContain(one?.prediction)
    expect(one?.confidence).toBe(Math.max(...(one?.probabilities ?? [])))
    expect(one?.probabilities?.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5)
  })

  it('takes any number of rows, none too', async () => {
    expect(await ask([])).toEqual([])
    const many = await ask(Array.from({ length: 300 }, (_, i) => ({ ...row, area: i })))
    const alone = await ask([{ ...row, area: 299 }])
    expect(many).toHaveLength(300)
    expect(many[299]?.confidence).toBeCloseTo(alone[0]?.confidence ?? Number.NaN, 5)
  })

  it('takes a missing value, an empty text and a key that is not there for the same', async () => {
    const answers = await ask([
      { area: null, city: null, built: 1999 },
      { area: ' ', city: '', built: '1999' },
      { built: 1999 },
      { area: Number.NaN, city: 'Atlantis', built: 1999 },
    ])
    for (const answer of answers) expect(answer).toEqual(answers[0])
  })

  it('names the columns that are missing, and those that may be meant', async () => {
    await expect(ask([{ Area: 80, town: 'Paris' }])).rejects.toMatchObject({
      code: 'models/missing-column',
      message: expect.stringContaining('"area", "city", "built"'),
      fix: expect.stringContaining('Is "Area" what the model calls "area"?'),
    })
  })

  it('names row and column of a number that is none', async () => {
    await expect(ask([row, { ...row, built: 'old' }])).rejects.toMatchObject({
      code: 'dataset/row-value',
      message: expect.stringContaining('Row 2, column "built": "old"'),
    })
  })
})

describe('asking a model about images', () => {
  it('answers for each image, and refuses rows', async () => {
    const model = await openModel(images)
    expect(await model.predictImages(new Uint8Array(7 * 12))).toHaveLength(7)
    await expect(model.predictImages(new Uint8Array(13))).rejects.toThrow('13 bytes')
    await expect(model.predict([row])).rejects.toMatchObject({ code: 'models/wrong-input' })
    await model.close()
  })
})

describe('a folder that is no sound model is refused:', () => {
  const config = () => join(root, 'broken', 'config.json')
  const edit = (change: (json: Record<string, unknown>) => void) => {
    const json = JSON.parse(readFileSync(config(), 'utf8'))
    change(json)
    writeFileSync(config(), JSON.stringify(json))
  }
  const cases: [string, () => void, string][] = [
    ['no config.json', () => rmSync(config()), 'models/not-a-model'],
    ["another program's config.json", () => writeFileSync(config(), '{}'), 'models/not-a-model'],
    ['half a config.json', () => writeFileSync(config(), '{"format"'), 'models/damaged'],
    ['no inputs', () => edit(json => Object.assign(json, { inputs: [] })), 'models/damaged'],
    ['a later version', () => edit(json => Object.assign(json, { version: 2 })), 'models/version'],
    ['no model.onnx', () => rmSync(join(root, 'broken', 'model.onnx')), 'models/damaged'],
    ['one byte too many', () => appendFileSync(join(root, 'broken', 'model.onnx'), '!'), 'models/damaged'],
  ]
  it.each(cases)('%s', async (_, spoil, code) => {
    rmSync(join(root, 'broken'), { recursive: true, force: true })
    cpSync(table, join(root, 'broken'), { recursive: true })
    spoil()
    await expect(openModel(join(root, 'broken'))).rejects.toMatchObject({ code })
  })

  it('a path that does not exist', async () => {
    await expect(openModel(join(root, 'nowhere'))).rejects.toMatchObject({ code: 'models/not-a-model' })
  })
})
