import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Compute, openCompute } from '../compute/index.ts'
import type { Encoding } from '../datasets/index.ts'
import { openModel } from './open.ts'
import { digits, flowers, houses, ingredients } from './small-model.test-support.ts'

// Through real worker processes and real files, as a job and `gradstr predict` go.

let folder: string
let compute: Compute
beforeAll(() => {
  compute = openCompute({ entry: new URL('../../worker/index.ts', import.meta.url) })
})
afterAll(() => compute.close())
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-model-worker-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const at = (name: string) => join(folder, name)

async function exported(encoding: Encoding): Promise<string> {
  const options = await ingredients(folder, encoding)
  writeFileSync(at('encoding.json'), JSON.stringify(encoding))
  const { report } = await compute.run('export', { ...options, encoding: at('encoding.json') })
  expect(report).toMatchObject({ target: encoding.target.name, holdout: { rows: 40 } })
  return options.out
}

describe('a model made and asked in a worker', () => {
  it("answers each row of a European spreadsheet's CSV, whatever other columns it has", async () => {
    const model = await exported(flowers)
    const csv =
      'id;built;area;city\r\n7;1969;71,25;Paris\r\n8;2024;;"say ""hi"", 東京"\r\n9;n/a;1.088,5;Atlantis\r\n'
    writeFileSync(at('rows.csv'), csv)
    const { config, predictions } = await compute.run('predict', { model, input: at('rows.csv') })
    const opened = await openModel(model)
    const expected = await opened.predict([
      { area: 71.25, city: 'Paris', built: 1969 },
      { area: null, city: 'say "hi", 東京', built: 2024 },
      { area: 1088.5, city: 'Atlantis', built: null },
    ])
    await opened.close()
    expect(predictions).toEqual(expected)
    expect(config.classes).toEqual(['rose', 'tulip', 'lis', 'Ölbaum'])
  })

  it('answers with a number and the range the truth is likely in', async () => {
    const model = await exported(houses)
    writeFileSync(
      at('rows.jsonl'),
      '{"area": 80, "city": "Paris", "built": 1999}\n{"area": 95, "city": null}\n',
    )
    const { predictions } = await compute.run('predict', { model, input: at('rows.jsonl') })
    expect(predictions).toHaveLength(2)
    for (const { prediction, low, high } of predictions) {
      expect(low).toBeLessThan(Number(prediction))
      expect(high).toBeGreaterThan(Number(prediction))
    }
  })

  it('answers for every image of an IDX file', async () => {
    const model = await exported(digits)
    const header = Buffer.from([0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 3, 0, 0, 0, 4])
    writeFileSync(at('five-images-idx3-ubyte'), Buffer.concat([header, Buffer.alloc(5 * 12, 99)]))
    const { predictions } = await compute.run('predict', { model, input: at('five-images-idx3-ubyte') })
    expect(predictions).toHaveLength(5)
  })

  it('says which row and column cannot be read', async () => {
    const model = await exported(houses)
    writeFileSync(at('rows.csv'), 'area,city,built\n71,Paris,1969\nlarge,Paris,1969\n')
    await expect(compute.run('predict', { model, input: at('rows.csv') })).rejects.toMatchObject({
      code: 'dataset/row-value',
      message: expect.stringContaining('Row 2, column "area": "large"'),
    })
  })
})
