// node scripts/python/samples.ts DIR: model folders of every kind as `gradstr` writes them, with our own answers, for check.py.
// DIR/published holds what published.py wrote: bases to begin with, and adapters that others trained.
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import sharp from 'sharp'
import { seeded } from '../../src/core/training/index.ts'
import { cachedModel, logitsOf } from './ours.ts'

const cli = fileURLToPath(new URL('../../src/cli/index.ts', import.meta.url))
const text = fileURLToPath(new URL('../../docs/security.md', import.meta.url))
const PROMPT = 'The wallet of a customer'

const [out = ''] = process.argv.slice(2)
if (out === '') throw new Error('usage: node scripts/python/samples.ts DIR')
const at = (...names: string[]) => join(resolve(out), ...names)
for (const folder of ['text', 'rows', 'ours', 'data']) mkdirSync(at(folder), { recursive: true })

async function gradstr(...args: string[]): Promise<Record<string, unknown>[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [cli, ...args, '--json'])
  return stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
}

const train = (name: string, dataset: string, ...flags: string[]) =>
  gradstr('train-local', dataset, '--threads', '1', '--steps', '40', '--out', at(name), ...flags)

const note = (name: string, answer: unknown) =>
  writeFileSync(at('ours', `${name.replace('/', '-')}.json`), JSON.stringify(answer))

/** Models from nothing, tuned, adapted and merged. */
async function texts(): Promise<void> {
  const shared = ['--as', 'text', '--batch', '8', '--learning-rate', '0.01']
  const scratch = [...shared, '--block', '48']
  await train('text/gpt', text, ...scratch, '--model', 'gpt', '--tokenizer', 'characters')
  await train('text/llama', text, ...scratch, '--model', 'llama', '--tokenizer', 'bpe', '--vocabulary', '400')
  await train('text/gpt-lora', text, ...shared, '--base', at('text/gpt'), '--lora', '--frozen', 'f32')
  for (const name of ['gpt2', 'llama']) {
    const base = [...shared, '--base', at('published', name)]
    await train(`text/published-${name}`, text, ...base)
    await train(`text/published-${name}-lora`, text, ...base, '--lora', '--frozen', 'f32')
  }
  const adapters = ['text/gpt-lora', 'text/published-gpt2-lora', 'text/published-llama-lora']
  for (const name of [...adapters, 'published/gpt2-lora', 'published/llama-lora'])
    await gradstr('merge', at(name), '--out', at(`${name}-merged`))
  const whole = ['text/gpt', 'text/llama', 'text/published-gpt2', 'text/published-llama']
  const theirs = ['gpt2', 'gpt2-lora', 'llama', 'llama-lora'].map(name => `published/${name}`)
  for (const name of [...whole, ...adapters, ...theirs]) await answersOfText(name)
  for (const name of whole)
    writeFileSync(at('ours', `${name.replace('/', '-')}.onnx`), await cachedModel(at(name)))
}

/** What we compute of a language model's folder: its tokens, their logits, and how it goes on. */
async function answersOfText(name: string): Promise<void> {
  const said = await gradstr('predict', at(name), PROMPT, '--temperature', '0', '--tokens', '12')
  note(name, { prompt: PROMPT, ...(await logitsOf(at(name), PROMPT)), goesOn: said.at(-1)?.text })
}

async function rows(): Promise<void> {
  const csv = at('data', 'table.csv')
  writeFileSync(csv, table())
  for (const [name, target] of [
    ['rows/classes', 'kind'],
    ['rows/numbers', 'price'],
  ] as const) {
    await train(name, csv, '--target', target)
    await answersOfRows(name, csv)
  }
  for (const channels of [1, 3] as const) await pictures(channels)
}

/** Cells of every kind, some empty; a price and a kind that follow from them. */
function table(): string {
  const random = seeded(1)
  const lines = Array.from({ length: 400 }, (_, i) => {
    const size = 10 * random.float()
    const day = 1 + (i % 28)
    const price = 3 * size + 5 * (i % 3) + day / 7
    return [
      i % 17 === 0 ? '' : size.toFixed(3),
      ['red', 'blue', '"green, dark"'][i % 3],
      `2024-03-${String(day).padStart(2, '0')}`,
      price.toFixed(2),
      size > 5 ? 'large' : 'small',
    ].join(',')
  })
  return ['size,colour,day,price,kind', ...lines].join('\n')
}

/** Bright and dark noise: as PNG for us, and in the same order as bytes for check.py. */
async function pictures(channels: 1 | 3): Promise<void> {
  const name = `pictures-${channels}`
  const random = seeded(channels)
  const all: Record<string, number[]> = {}
  for (let i = 0; i < 40; i++) {
    const file = join(i % 2 === 0 ? 'dark' : 'bright', `${i}.png`)
    mkdirSync(join(at('data', name), file, '..'), { recursive: true })
    const bytes = Uint8Array.from({ length: 12 * 10 * channels }, () => 127 * ((i % 2) + random.float()))
    const picture = sharp(bytes, { raw: { width: 12, height: 10, channels } })
    await picture
      .toColourspace(channels === 1 ? 'b-w' : 'srgb')
      .png()
      .toFile(join(at('data', name), file))
    all[file] = [...bytes]
  }
  writeFileSync(at('data', `${name}.json`), JSON.stringify(all))
  await train(`rows/${name}`, at('data', name), '--batch', '8')
  await answersOfRows(`rows/${name}`, at('data', name))
}

async function answersOfRows(name: string, input: string): Promise<void> {
  const lines = await gradstr('predict', at(name), input)
  note(
    name,
    lines.filter(({ type }) => type === 'prediction'),
  )
}

await texts()
await rows()
