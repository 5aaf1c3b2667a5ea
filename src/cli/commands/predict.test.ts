import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import sharp from 'sharp'
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

describe('gradstr predict on pictures', () => {
  const run = (...args: string[]) => gradstr(args, { cwd: folder.path })
  /** Pictures of two classes, told apart by their colours. */
  async function pictures(root: string, light: [number, number, number], dark: [number, number, number]) {
    for (const [label, [r, g, b]] of Object.entries({ light, dark }))
      for (let i = 0; i < 20; i++) {
        mkdirSync(folder.at(`${root}/${label}`), { recursive: true })
        const background = { r: r + i, g: g === r ? g + i : g, b: b + i }
        await sharp({ create: { width: 9, height: 8, channels: 3, background } })
          .png()
          .toFile(folder.at(`${root}/${label}/${i}.png`))
      }
  }
  const train = (root: string, model: string, ...more: string[]) => {
    const options = ['--model', model, '--steps', '30', '--out', `${root}-model`, '--threads', '1']
    return run('train-local', root, ...options, ...more)
  }

  it('answers for each in a folder, whatever its format, and names what it cannot read', async () => {
    await pictures('set', [20, 30, 200], [200, 30, 20])
    const trained = await train('set', 'cnn', '--flip', '--crop', '2', '--dropout', '0.2')
    expect([trained.code, trained.stdout]).toEqual([
      0,
      expect.stringMatching(/Images +mirrored or not, shifted by up to 2 pixels, anew in each step/),
    ])
    mkdirSync(folder.at('new/more'), { recursive: true })
    await sharp(folder.at('set/light/3.png')).resize(40, 40).jpeg().toFile(folder.at('new/a.jpg'))
    await sharp(folder.at('set/dark/3.png')).webp({ lossless: true }).toFile(folder.at('new/more/b.webp'))
    writeFileSync(folder.at('new/broken.png'), 'no picture')
    const ran = await run('predict', 'set-model', 'new', '--json', '--out', 'seen.csv')
    const answers = ran.json().filter(({ type }) => type === 'prediction')
    expect(answers.map(({ input, prediction }) => [input, prediction])).toEqual([
      ['new/a.jpg', 'light'],
      ['new/more/b.webp', 'dark'],
    ])
    expect(ran.json().at(-1)).toMatchObject({ rows: 2, unread: [{ name: 'broken.png' }] })
    expect(ran.stderr).toMatch(/Left out.*broken\.png/)
    expect(readFileSync(folder.at('seen.csv'), 'utf8')).toMatch(
      /^input,prediction,confidence\r\nnew\/a.jpg,light/,
    )
    const one = await run('predict', 'set-model', 'new/a.jpg')
    expect(one.stdout).toMatch(/^light {2}\([\d.]+ % sure\)\n$/)
    const [none, broken] = await Promise.all([
      run('predict', 'set-model', 'nowhere'),
      run('predict', 'set-model', 'new/broken.png'),
    ])
    expect([none.code, broken.code]).toEqual([1, 1])
    expect(none.stderr).toMatch(/no such file or folder/)
    expect(broken.stderr).toMatch(/"broken.png" cannot be read as a picture/)
  })

  it('answers for grey ones as for IDX files', async () => {
    await pictures('greys', [200, 200, 200], [20, 20, 20])
    // Grey are those whose colours hardly differ.
    expect((await train('greys', 'mlp')).code).toBe(0)
    const ran = await run('predict', 'greys-model', 'greys/dark/1.png', 'greys/light/1.png', '--json')
    const answers = ran.json().filter(({ type }) => type === 'prediction')
    expect(answers.map(({ prediction }) => prediction)).toEqual(['dark', 'light'])
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

  it('are the test images of MNIST by its name, unless a file has that name', () => {
    const images = () => inputFiles(['mnist'], folder.path).paths
    expect(readFileSync(images()[0]?.path ?? '').readUInt32BE(4)).toBe(10_000)
    mkdirSync(folder.at('mnist'))
    expect(images()).toEqual([{ path: folder.at('mnist'), name: 'mnist' }])
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
