import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openModel } from './open.ts'
import { predictFile } from './predict-file.ts'
import { digits, flowers, houses, smallModel } from './small-model.test-support.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-predict-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const at = (name: string) => join(folder, name)
const csv = 'id;area;city;built\r\n7;71,25;Paris;1969\r\n8;;"say ""hi"", 東京";2024\r\n9;88,5;Atlantis;\r\n'
const rows = [
  { area: 71.25, city: 'Paris', built: 1969 },
  { area: null, city: 'say "hi", 東京', built: 2024 },
  { area: 88.5, city: 'Atlantis', built: null },
]

describe('the answers for a file', () => {
  it("stand behind each row of a European spreadsheet's CSV", async () => {
    const { out: model } = await smallModel(folder, flowers)
    writeFileSync(at('rows.csv'), csv)
    const done = await predictFile({ model, input: at('rows.csv'), out: at('answers.csv'), format: 'csv' })
    const opened = await openModel(model)
    const answers = await opened.predict(rows)
    await opened.close()
    expect(done).toEqual({ rows: 3, target: 'kind', task: 'classification', first: answers })
    const lines = readFileSync(at('answers.csv'), 'utf8').split('\r\n')
    expect(lines[0]).toBe('id,area,city,built,prediction,confidence')
    expect(lines[1]).toMatch(/^7,71\.25,Paris,1969,/)
    expect(lines[2]).toMatch(/^8,,"say ""hi"", 東京",2024,/)
    for (const [i, { prediction, confidence }] of answers.entries())
      expect(lines[i + 1]).toMatch(new RegExp(`,${prediction},${Number(confidence?.toPrecision(7))}$`))
  })

  it('are numbers with the range the truth is likely in, as JSON lines too', async () => {
    const { out: model } = await smallModel(folder, houses)
    const given = rows.map(row => ({ ...row, prediction: 'mine' }))
    writeFileSync(at('rows.jsonl'), given.map(row => JSON.stringify(row)).join('\n'))
    await predictFile({ model, input: at('rows.jsonl'), out: at('answers.jsonl'), format: 'jsonl' })
    const lines = readFileSync(at('answers.jsonl'), 'utf8').trim().split('\n')
    for (const line of lines) {
      const { prediction, prediction_2: answer, low, high } = JSON.parse(line)
      expect(prediction).toBe('mine')
      expect(low).toBeLessThan(answer)
      expect(high).toBeGreaterThan(answer)
    }
    expect(lines).toHaveLength(3)
  })

  it('are for every image of an IDX file', async () => {
    const { out: model } = await smallModel(folder, digits)
    const header = Buffer.from([0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 3, 0, 0, 0, 4])
    writeFileSync(at('five-images-idx3-ubyte'), Buffer.concat([header, Buffer.alloc(5 * 12, 99)]))
    const input = at('five-images-idx3-ubyte')
    const done = await predictFile({ model, input, out: at('answers.csv'), format: 'csv' })
    expect(done.rows).toBe(5)
    expect(readFileSync(at('answers.csv'), 'utf8')).toMatch(
      /^image,prediction,confidence\r\n1,[017],0\.\d+\r\n2,/,
    )
  })

  it('are not written when a row cannot be read', async () => {
    const { out: model } = await smallModel(folder, houses)
    writeFileSync(at('rows.csv'), 'area,city,built\n71,Paris,1969\nlarge,Paris,1969\n')
    const asked = predictFile({ model, input: at('rows.csv'), out: at('answers.csv'), format: 'csv' })
    await expect(asked).rejects.toMatchObject({
      message: expect.stringContaining('Row 2, column "area": "large"'),
    })
    expect(readdirSync(folder).filter(name => name.startsWith('answers'))).toEqual([])
  })
})
