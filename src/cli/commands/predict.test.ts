import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { flowers, houses, smallModel } from '../../core/models/small-model.test-support.ts'
import { plain } from '../format.ts'
import { answerLines, answersCsv } from '../prediction/answers.ts'
import { inputFiles } from '../prediction/inputs.ts'
import { gradstr, temporaryFolder } from '../process.test-support.ts'

let folder: ReturnType<typeof temporaryFolder>
beforeAll(async () => {
  folder = temporaryFolder()
  for (const [name, encoding] of Object.entries({ flowers, houses })) {
    mkdirSync(folder.at(name))
    await smallModel(folder.at(name), encoding)
  }
  mkdirSync(folder.at('tmp'))
  writeFileSync(folder.at('rows.csv'), 'area,city,built\n80,Paris,1990\n,Zürich,2001\n120,Lyon,\n')
})
afterAll(() => folder.remove())

const predict = (...args: string[]) =>
  gradstr(['predict', ...args], { cwd: folder.path, env: { TMPDIR: folder.at('tmp') } })

describe('gradstr predict', () => {
  it('answers each row of a file, on the screen, as JSON and as CSV', async () => {
    const [shown, json] = await Promise.all([
      predict('flowers/model', 'rows.csv', '--out', 'answers.csv'),
      predict('flowers/model', 'rows.csv', '--json'),
    ])
    expect([shown.code, shown.stderr, json.code]).toEqual([0, '', 0])
    const answers = json.json().filter(line => line.type === 'prediction')
    expect(answers.map(a => a.row)).toEqual([1, 2, 3])
    for (const a of answers) expect(['rose', 'tulip', 'lis', 'Ölbaum']).toContain(a.prediction)
    expect(json.json().at(-1)).toEqual({ type: 'result', rows: 3, file: null })
    expect(shown.stdout).toMatch(/^Row {2}Answer +Sure\n {2}1 {2}/)
    const csv = readFileSync(folder.at('answers.csv'), 'utf8').trimEnd().split('\r\n')
    expect(csv[0]).toBe('input,row,prediction,confidence')
    expect(csv.map(line => line.split(',')[2])).toEqual(['prediction', ...answers.map(a => a.prediction)])
  })

  it('answers one row of COLUMN=VALUE pairs as it does the same row in a file', async () => {
    const [pairs, file] = await Promise.all([
      predict('houses/model', 'area=80', 'city=Paris', 'built=1990', '--json'),
      predict('houses/model', 'rows.csv', '--json'),
    ])
    const first = (ran: typeof pairs) => ran.json().find(line => line.type === 'prediction')
    expect(first(pairs)?.prediction).toBe(first(file)?.prediction)
    expect(readdirSync(folder.at('tmp'))).toEqual([])
  })

  it('refuses what is no model, lacks a column, or would overwrite a file', async () => {
    const [nothing, column, over] = await Promise.all([
      predict('tmp', 'rows.csv'),
      predict('houses/model', 'area=80'),
      predict('houses/model', 'rows.csv', '--out', 'rows.csv', '--json'),
    ])
    expect([nothing.code, column.code, over.code]).toEqual([1, 1, 1])
    expect(nothing.stderr).toContain('is not the folder of a Gradstr model')
    expect(column.stderr).toMatch(/city/)
    expect(over.json().at(-1)).toMatchObject({ code: 'system/eexist' })
    expect(readFileSync(folder.at('rows.csv'), 'utf8')).toMatch(/^area/)
  })
})

describe('inputs', () => {
  it('are pairs only when no file has that name', () => {
    writeFileSync(folder.at('a=b.csv'), '')
    expect(inputFiles(['a=b.csv'], folder.path).paths).toEqual([
      { path: folder.at('a=b.csv'), name: 'a=b.csv' },
    ])
    const files = inputFiles(['a=1', 'b=x=y', 'zip=00123', 'c='], folder.path)
    const [{ path } = { path: '' }] = files.paths
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ a: 1, b: 'x=y', zip: '00123', c: null })
    files.remove()
    expect(existsSync(path)).toBe(false)
  })

  it('are not mixed, and no column is given twice', () => {
    expect(() => inputFiles(['a=1', 'rows.csv'], folder.path)).toThrow(/"rows.csv" is not COLUMN=VALUE/)
    expect(() => inputFiles(['a=1', 'a=2'], folder.path)).toThrow(/given twice/)
  })
})

describe('answers', () => {
  it('are a sentence for one row', () => {
    const sure = { input: 'row', row: 1, prediction: 'yes', confidence: 0.973 }
    const near = { input: 'row', row: 1, prediction: 1234.5678, low: 1000, high: 1500.25 }
    expect(answerLines([sure], plain)).toEqual(['yes  (97.3 % sure)'])
    expect(answerLines([near], plain)).toEqual(['1234.57  (usually between 1000 and 1500.25)'])
    expect(answerLines([], plain)).toEqual(['The input has no rows.'])
  })

  it('are quoted in CSV where they have to be', () => {
    expect(answersCsv([{ input: 'a,b.csv', row: 1, prediction: 'say "hi"' }])).toBe(
      'input,row,prediction\r\n"a,b.csv",1,"say ""hi"""\r\n',
    )
  })
})
