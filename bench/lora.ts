import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { CharacterTrainer } from '../src/core/tokenizers/index.ts'
import {
  evaluator,
  initialWeights,
  type LanguageSpec,
  parameterCount,
  readBase,
  readSafetensors,
  train,
  writeSafetensors,
} from '../src/core/training/index.ts'
import { nanoGptAdamW } from './engine/configurations.ts'
import type { BenchOptions } from './index.ts'
import { writeResult } from './report/result.ts'

const CONTEXT = 64
const BATCH = 12
const PRETRAINING = 900
const ADAPTATION = 200
const WANTED = { gain: 0.8, bytes: 0.05 }

/**
 * A small Llama is trained on the first half of a text (`--text PATH`), then adapted to what is another text to it: the
 * second half as a transcript, in small letters and without punctuation. Full fine-tuning against adapters, the same
 * steps on the same batches, each at the best of its two learning rates. Losses are of the transcript's last tenth.
 * Goal: adapters reach 80 % of full fine-tuning's gain with 5 % of its bytes.
 */
export async function run({ json, args }: BenchOptions): Promise<void> {
  const path = args[args.indexOf('--text') + 1]
  if (!args.includes('--text') || path === undefined) throw new Error('Name a text: --text PATH')
  const folder = mkdtempSync(join(tmpdir(), 'gradstr-lora-'))
  try {
    const result = await measure(folder, readFileSync(path, 'utf8'), json)
    if (json) writeResult({ bench: 'lora', cores: availableParallelism(), wanted: WANTED, ...toldOf(result) })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

async function measure(folder: string, text: string, json: boolean) {
  const file = (name: string) => join(folder, `${name}.safetensors`)
  const vocabulary = await writeTexts(text, file)
  const spec = llama(vocabulary, 1e-3)
  await writeSafetensors(file('fresh'), initialWeights(spec, 1))
  const pretraining = {
    spec,
    weights: file('fresh'),
    data: file('first'),
    out: file('base'),
    steps: PRETRAINING,
    seed: 1,
  }
  await train(pretraining)
  const before = await lossOf(spec, file('base'), file('holdout'))
  const full = []
  for (const rate of [1e-3, 2e-3]) {
    const own = llama(vocabulary, rate)
    await train({
      ...pretraining,
      spec: own,
      weights: file('base'),
      data: file('second'),
      out: file('full'),
      steps: ADAPTATION,
    })
    full.push({ rate, loss: await lossOf(own, file('full'), file('holdout')) })
  }
  const adapters = []
  for (const rate of [5e-3, 1e-2]) {
    const own = { ...llama(vocabulary, rate), adapter }
    await writeSafetensors(file('adapter'), initialWeights(own, 1))
    await train({
      ...pretraining,
      spec: own,
      weights: file('adapter'),
      base: file('base'),
      data: file('second'),
      out: file('adapted'),
      steps: ADAPTATION,
    })
    adapters.push({ rate, loss: await lossOf(own, file('adapted'), file('holdout'), file('base')) })
  }
  const [whole, part] = [parameterCount(spec), parameterCount({ ...spec, adapter })]
  const best = (rows: { loss: number }[]) => Math.min(...rows.map(({ loss }) => loss))
  const gain = (before - best(adapters)) / (before - best(full))
  if (!json) print({ before, full, adapters, gain, bytes: part / whole })
  return { before, full, adapters, gain, bytes: part / whole, parameters: whole, adapted: part }
}

/** @returns the losses as rows, and the adapters' part of full fine-tuning's gain */
function toldOf({ full, adapters, gain, ...rest }: Awaited<ReturnType<typeof measure>>) {
  const of = (way: string) => (row: { rate: number; loss: number }) => ({
    ...{ model: 'llama', batch: BATCH, engine: 'ours', way },
    ...row,
  })
  return { ...rest, rows: [...full.map(of('full')), ...adapters.map(of('adapter'))], ratio: gain }
}

function print(seen: {
  before: number
  full: { rate: number; loss: number }[]
  adapters: { rate: number; loss: number }[]
  gain: number
  bytes: number
}): void {
  const rows = (all: { rate: number; loss: number }[]) =>
    all.map(({ rate, loss }) => `${loss.toFixed(4)} (rate ${rate})`).join(', ')
  console.log(`before ${seen.before.toFixed(4)}; full ${rows(seen.full)}; adapters ${rows(seen.adapters)}`)
  console.log(
    `${(100 * seen.gain).toFixed(1)} % of the gain with ${(100 * seen.bytes).toFixed(1)} % of the bytes`,
  )
}

const adapter: LanguageSpec['adapter'] = {
  rank: 4,
  alpha: 8,
  targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
  base: 'f32',
}

const llama = (vocabulary: number, learningRate: number): LanguageSpec => ({
  recipe: 'llama',
  task: 'language',
  model: {
    vocabulary,
    context: CONTEXT,
    width: 128,
    hidden: 344,
    layers: 4,
    heads: 4,
    keyValueHeads: 2,
    epsilon: 1e-5,
    theta: 10_000,
    tied: false,
  },
  batch: BATCH,
  optimizer: nanoGptAdamW(learningRate),
})

/** Blocks of characters of both texts and of the holdout. @returns the size of the alphabet */
async function writeTexts(text: string, file: (name: string) => string): Promise<number> {
  const half = text.length >> 1
  const first = text.slice(0, half)
  const second = text
    .slice(half)
    .toLowerCase()
    .replaceAll(/[^a-z\s]/g, '')
  const alphabet = new CharacterTrainer()
  alphabet.add(text)
  alphabet.add(second)
  const tokenizer = alphabet.finish([])
  const write = async (name: string, part: string) => {
    const tokens = tokenizer.encode(part)
    const rows = Math.floor((tokens.length - 1) / CONTEXT)
    const data = Int32Array.from({ length: rows * (CONTEXT + 1) }, (_, i) => {
      const [row, at] = [Math.floor(i / (CONTEXT + 1)), i % (CONTEXT + 1)]
      return tokens[row * CONTEXT + at]!
    })
    await writeSafetensors(file(name), [{ name: 'tokens', dtype: 'I32', shape: [rows, CONTEXT + 1], data }])
  }
  const end = Math.floor(0.9 * second.length)
  await write('first', first)
  await write('second', second.slice(0, end))
  await write('holdout', second.slice(end))
  return tokenizer.size
}

/** Mean cross-entropy in nats a character. */
async function lossOf(spec: LanguageSpec, weights: string, data: string, base?: string): Promise<number> {
  const engine = await evaluator(spec, base === undefined ? {} : { base: await readBase(spec, base) })
  try {
    return (await engine.losses(await readSafetensors(weights), await engine.load(data))).loss
  } finally {
    await engine.close()
  }
}
