import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { plain } from '../format.ts'
import { sparkline } from '../local/chart.ts'
import { curveLines } from '../local/lines.ts'
import { gradstr, start, temporaryFolder } from '../process.test-support.ts'

let folder: ReturnType<typeof temporaryFolder>
beforeAll(() => {
  folder = temporaryFolder()
  const rows = Array.from({ length: 300 }, (_, i) => {
    // Two sequences that fill the square evenly (multiples of irrational numbers, modulo 1).
    const [a, b] = [(i * Math.SQRT2) % 1, (i * Math.E) % 1]
    return `${a.toFixed(4)},${b.toFixed(4)},${a > b ? 'yes' : 'no'}`
  })
  writeFileSync(folder.at('rows.csv'), `a,b,c\n${rows.join('\n')}\n`)
  const words = ['the', 'cat', 'sat', 'on', 'a', 'mat']
  const text = Array.from({ length: 1500 }, (_, i) => words[i % words.length]).join(' ')
  writeFileSync(folder.at('cats.txt'), text)
  writeFileSync(folder.at('broken.jsonl'), '{"text":"one"}\n{"text":"two"}\n{"text":3}\n')
  const answer = JSON.stringify({ prompt: 'the cat ', completion: text.slice(8, 120) })
  writeFileSync(folder.at('answers.jsonl'), Array.from({ length: 20 }, () => answer).join('\n'))
  writeFileSync(folder.at('short.txt'), 'Too short.')
})
afterAll(() => folder.remove())

const options = () => ({ cwd: folder.path })
const train = (...args: string[]) => gradstr(['train-local', ...args, '--threads', '1'], options())

describe('gradstr train-local', () => {
  it('makes a model of a table, and says before it begins what it will do', async () => {
    const ran = await train('rows.csv', '--out', 'rows', '--steps', '120')
    expect(ran.code).toBe(0)
    expect(ran.stdout).toMatch(/Learns from +255 rows to predict one of 2 classes of "c"; 45 kept back/)
    expect(ran.stdout).toMatch(
      /multi-layer perceptron 2–64–64–2, 4,482 parameters[\s\S]*120 steps of 32 rows/,
    )
    expect(ran.stdout).toMatch(/step 25 of 120: loss [\d.]+, holdout [\d.]+/)
    const report = JSON.parse(readFileSync(folder.at('rows/report.json'), 'utf8'))
    expect(report.metrics.accuracy).toBeGreaterThan(0.85)
    expect(report.local.curve.map((at: { step: number }) => at.step)).toEqual([25, 50, 75, 100, 120])
    expect(readdirSync(folder.path).filter(name => name.startsWith('.'))).toEqual([])
  })

  it('stops on Ctrl-C with a checkpoint, from which the same command goes on', async () => {
    const args = ['train-local', 'rows.csv', '--out', 'long', '--steps', '20000', '--json', '--threads', '1']
    const running = start(args, options())
    // The holdout is looked at after a checkpoint; on a busy machine a stop leaves none of its own.
    await running.event('progress', ({ validation }) => validation !== undefined)
    running.child.kill('SIGINT')
    const { code, json } = await running.end
    expect([code, json().at(-1)?.fix]).toEqual([130, 'The same command goes on from there.'])
    expect(existsSync(folder.at('long'))).toBe(false)
    const [saved = ''] = readdirSync(folder.at('.long.training/checkpoints')).filter(name =>
      /^step/.test(name),
    )
    const step = Number(saved.match(/\d+/)?.[0])
    expect(step).toBeGreaterThan(0)
    const other = await train('rows.csv', '--out', 'long', '--steps', '300')
    expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('--restart')])
    const again = start(args, options())
    const [plan, first] = [await again.event('plan'), await again.event('progress')]
    again.child.kill('SIGINT')
    await again.end
    expect(plan.resumed).toBe(true)
    expect(Number(first.step)).toBeGreaterThan(step)
    const fresh = await train('rows.csv', '--out', 'long', '--steps', '30', '--restart', '--json')
    expect(fresh.json().at(-1)).toMatchObject({ type: 'result', steps: 30 })
  })

  it('makes a language model of a text, in Hugging Face’s layout', async () => {
    const ran = await train('cats.txt', '--out', 'cats', '--steps', '150', '--block', '16', '--json')
    expect(ran.code).toBe(0)
    expect(readdirSync(folder.at('cats')).sort()).toEqual([
      ...['README.md', 'config.json', 'model.onnx', 'model.safetensors', 'report.json', 'tokenizer.json'],
      'tokenizer_config.json',
    ])
    const config = JSON.parse(readFileSync(folder.at('cats/config.json'), 'utf8'))
    expect(config).toMatchObject({ model_type: 'gpt2', n_positions: 16, architectures: ['GPT2LMHeadModel'] })
    const { report } = ran.json().at(-1) as { report: Record<string, Record<string, number>> }
    expect(report.metrics?.loss).toBeLessThan(report.baseline!.loss! / 2)
  })

  it('goes on from a model: whole, or with adapters that are asked as they are or merged', async () => {
    const made = await train('cats.txt', '--out', 'base', '--steps', '40', '--block', '16')
    expect(made.code).toBe(0)
    writeFileSync(folder.at('mats.txt'), 'on a mat the cat sat '.repeat(200))
    const tuned = await train('mats.txt', '--base', 'base', '--out', 'tuned', '--steps', '25', '--block', '8')
    expect(tuned.stdout).toMatch(/in \d+ blocks of 8;[\s\S]*GPT, 2 layers, width 64, 16 tokens at once/)
    const lora = await train(
      'mats.txt',
      '--base',
      'base',
      '--lora',
      '--rank',
      '4',
      '--out',
      'lora',
      '--steps',
      '40',
    )
    expect(lora.stdout).toMatch(
      /of rank 4: 8,192 parameters are trained, the base stays as it is \(kept in f16\)/,
    )
    expect(readdirSync(folder.at('lora')).sort()).toEqual([
      ...['README.md', 'adapter_config.json', 'adapter_model.safetensors', 'gradstr.json', 'report.json'],
      ...['tokenizer.json', 'tokenizer_config.json'],
    ])
    const merged = await gradstr(['merge', 'lora', '--out', 'merged'], options())
    expect([merged.code, merged.stderr]).toEqual([0, ''])
    const ask = (model: string) =>
      gradstr(['predict', model, 'the cat', '--seed', '1', '--tokens', '12', '--json'], options())
    const texts = await Promise.all(['lora', 'merged', 'tuned'].map(ask))
    const [adapted, whole, other] = texts.map(ran => ran.json().at(-1)?.text)
    expect(adapted).toMatch(/^[a-z ]{12}$/)
    expect([whole, other]).toEqual([adapted, expect.stringMatching(/^[a-z ]{12}$/)])
    // A model of rows keeps its way of reading them.
    const rows = await train('rows.csv', '--base', 'rows', '--out', 'rows-again', '--steps', '25', '--json')
    expect(rows.json().at(-1)).toMatchObject({ type: 'result', report: { task: 'classification' } })
    const refusals: [string[], RegExp][] = [
      [['mats.txt', '--lora'], /none is named/],
      [['mats.txt', '--base', '.'], /no model to begin with/],
      [['mats.txt', '--base', 'lora'], /holds an adapter/],
      [
        ['mats.txt', '--base', 'base', '--model', 'llama'],
        /"llama" was asked for, and the base is of the kind "gpt"/,
      ],
      [['mats.txt', '--base', 'base', '--block', '32'], /Blocks of 32 tokens .* at most 16/],
      [['mats.txt', '--base', 'base', '--tokenizer', 'bpe'], /brings its own tokenizer/],
      [
        ['answers.jsonl', '--base', 'base'],
        /prompts with answers, and this base has no token for the end[\s\S]*Where: .*base\n[\s\S]*Fix: .*one plain text/,
      ],
      [['rows.csv', '--base', 'base'], /a language model, and the dataset is no text/],
      [['rows.csv', '--base', 'rows', '--lora'], /Adapters are for language models/],
    ]
    for (const [args, message] of refusals)
      expect((await train(...args, '--out', 'never')).stderr).toMatch(message)
    expect(readdirSync(folder.path).filter(name => name.includes('never'))).toEqual([])
  })

  const bad: [string, string[], RegExp][] = [
    ['a broken line, by its number', ['broken.jsonl', '--as', 'text'], /Line 3 cannot be used/],
    ['a text shorter than a block', ['short.txt', '--as', 'text'], /too short/],
    [
      'a model for another kind of dataset',
      ['rows.csv', '--model', 'gpt'],
      /"gpt" does not learn from a table/,
    ],
    ['mirrors for what are no images', ['rows.csv', '--flip'], /knows nothing of pictures[\s\S]*--flip/],
    ['a folder that holds something else', ['rows.csv', '--out', '.'], /cannot be written to/],
  ]
  it.each(bad)('refuses %s', async (_, args, message) => {
    const ran = await train('--out', 'refused', ...args)
    expect([ran.code, ran.stderr]).toEqual([1, expect.stringMatching(message)])
    expect(existsSync(folder.at('refused'))).toBe(false)
  })
})

describe('the live curve', () => {
  it('is high where the loss is high, and blank where nothing is known', () => {
    const points = [4, 3, 2, 1].map((y, i) => ({ x: i + 1, y }))
    expect(sparkline(points, 8, 8)).toBe('█▆▃▁')
    expect(sparkline([{ x: 1, y: Number.NaN }], 8, 8)).toBe('')
    expect(sparkline([...points, { x: 8, y: 4 }], 8, 4)).toBe('▇▁ █')
  })

  it('shows both losses, how far it is, how fast and how long yet', () => {
    const training = [1, 2].map(x => ({ x: 10 * x, y: 3 / x }))
    const at = {
      steps: 100,
      step: 20,
      training,
      holdout: [{ x: 10, y: 2 }],
      stepsPerSecond: 4,
      secondsLeft: 20,
    }
    const lines = curveLines(at, 60, plain)
    expect(lines.map(line => line.replace(/\s+/g, ' '))).toEqual([
      expect.stringMatching(/^loss .* 1\.5000$/),
      expect.stringMatching(/^holdout .* 2\.0000$/),
      'step 20 of 100 (20 %) · 4.0 steps/s · 20 s left',
    ])
  })
})
