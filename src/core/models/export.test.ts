import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { readEncoding } from '../datasets/index.ts'
import { evaluator, floats, initialWeights, readWeights } from '../training/index.ts'
import { modelConfig } from './config.ts'
import { exportModel } from './export.ts'
import { modelReport } from './report.ts'
import { digits, facts, flowers, houses, ingredients, smallModel } from './small-model.test-support.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-export-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const read = (name: string) => readFileSync(join(folder, 'model', name), 'utf8')

describe('an exported model', () => {
  it('is a folder whose config.json knows the hash of every file', async () => {
    await smallModel(folder, flowers)
    const names = [
      'README.md',
      'config.json',
      'encoding.json',
      'model.onnx',
      'model.safetensors',
      'report.json',
    ]
    expect(readdirSync(join(folder, 'model')).sort()).toEqual(names)
    const { files } = modelConfig.parse(JSON.parse(read('config.json')))
    expect(Object.keys(files).sort()).toEqual(names.filter(name => name !== 'config.json'))
    for (const [name, { sha256, size }] of Object.entries(files)) {
      const bytes = readFileSync(join(folder, 'model', name))
      expect([sha256, size]).toEqual([createHash('sha256').update(bytes).digest('hex'), bytes.length])
    }
  })

  it('carries weights and encoding unchanged', async () => {
    const { spec, out } = await smallModel(folder, flowers)
    expect(await readWeights(spec, join(out, 'model.safetensors'))).toEqual(initialWeights(spec, 1))
    expect(await readEncoding(join(out, 'encoding.json'))).toEqual(flowers)
  })

  it('takes the encoding from a file, too', async () => {
    const options = await ingredients(folder, digits)
    const encoding = join(folder, 'encoding.json')
    writeFileSync(encoding, JSON.stringify(digits))
    await exportModel({ ...options, encoding })
    expect(JSON.parse(read('config.json')).classes).toEqual(['0', '1', '7'])
  })

  it('is refused, and nothing written, when the weights are of another model', async () => {
    const options = await ingredients(folder, flowers)
    const other = { ...options.spec, model: { ...options.spec.model, hidden: [7] } }
    await expect(exportModel({ ...options, spec: other })).rejects.toMatchObject({ code: 'training/weights' })
    expect(readdirSync(folder).sort()).toEqual(['holdout.safetensors', 'weights.safetensors'])
  })
})

describe('the report', () => {
  it('counts every row of the holdout, and what always answering the commonest class gets', async () => {
    const options = await ingredients(folder, digits, 41)
    const report = await exportModel(options)
    expect(modelReport.parse(JSON.parse(read('report.json')))).toEqual(report)
    if (report.task !== 'classification') throw new Error('a classification was exported')
    const { classes, counts } = report.confusion
    // Labels are i² mod 3: 0 for a third of the rows, 1 for the others, never 2.
    expect(counts.map(row => row.reduce((a, b) => a + b))).toEqual([14, 27, 0])
    expect(classes).toEqual(['0', '1', '7'])
    expect(report.baseline).toEqual({ answer: '1', accuracy: 27 / 41 })
    expect(report.metrics.accuracy).toBeCloseTo(counts.reduce((n, row, i) => n + (row[i] ?? 0), 0) / 41, 12)
    expect(report).toMatchObject({ target: 'label', holdout: { rows: 41 }, ...facts })
  })

  it("gives errors in the target's own unit", async () => {
    const options = await ingredients(folder, houses, 60)
    const report = await exportModel(options)
    if (report.task !== 'regression') throw new Error('a regression was exported')
    const engine = await evaluator(options.spec)
    const data = await engine.load(options.holdout)
    const answers = await engine.predict(await readWeights(options.spec, options.weights), data.x)
    await engine.close()
    const price = (y: number) => y * 98_765 + 412_345.5
    const truths = Array.from(floats(data.y), price)
    const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length
    const errors = truths.map((truth, i) => price(answers[i] ?? Number.NaN) - truth)
    const spread = truths.map(truth => (truth - mean(truths)) ** 2)
    const squares = errors.map(e => e * e)
    expect(report.metrics.mae).toBeCloseTo(mean(errors.map(Math.abs)), 2)
    expect(report.metrics.rmse).toBeCloseTo(Math.sqrt(mean(squares)), 2)
    expect(report.metrics.r2).toBeCloseTo(1 - mean(squares) / mean(spread), 6)
    expect(report.baseline.answer).toBe(412_345.5)
    expect(report.baseline.mae).toBeCloseTo(mean(truths.map(t => Math.abs(412_345.5 - t))), 2)
    const within = errors.filter(
      e => e >= (report.errors.p5 ?? 0) - 0.01 && e <= (report.errors.p95 ?? 0) + 0.01,
    )
    expect(within.length / errors.length).toBeCloseTo(0.9, 1)
  })
})

describe('the model card', () => {
  it('says what it predicts from what, how good, and for how much', async () => {
    const report = await exportModel(await ingredients(folder, flowers))
    if (report.task !== 'classification') throw new Error('a classification was exported')
    const card = read('README.md')
    for (const column of ['area', 'city', 'built']) expect(card).toContain(`| ${column} |`)
    expect(card).toContain('# A model that predicts `kind`')
    expect(card).toContain('`rose`, `tulip`, `lis`, `Ölbaum`')
    expect(card).toContain(`right for **${(100 * report.metrics.accuracy).toFixed(1)} %**`)
    expect(card).toContain('4,321 rows, split among 3 providers, in 2 rounds, 12 seconds')
    expect(card).toContain('80 sats of play money')
  })

  it('warns of a model that is no better than a guess', async () => {
    await exportModel(await ingredients(folder, houses))
    expect(read('README.md')).toContain('do not rely on it')
  })
})
