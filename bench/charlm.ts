import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { CharacterTrainer } from '../src/core/tokenizers/index.ts'
import {
  evaluator,
  initialWeights,
  parameterCount,
  readWeights,
  type SpecOf,
  type TrainResult,
  train,
  writeSafetensors,
} from '../src/core/training/index.ts'
import { call } from './engine/call.ts'
import { nanoGptAdamW } from './engine/configurations.ts'
import type { BenchOptions } from './index.ts'
import { writeResult } from './report/result.ts'

const T = 64
const BATCH = 12
/** What nanoGPT's README reports for this configuration. */
const WANTED = 1.88
/** Milliseconds of training with `--parts`. */
const PART = 120_000

/**
 * nanoGPT's shakespeare_char on a CPU (its README: 4 layers, 4 heads, width 128, context 64, batch 12, no dropout, 2,000
 * iterations): characters of a text, nine tenths to learn from, the loss on all of the last tenth.
 * `--text PATH` (required), `--iterations N`, `--rate R` (nanoGPT's when left out), `--seed N`, `--threads N`;
 * `--offsets N` cuts the text into blocks at N places instead of one, which nears nanoGPT's random places; `--python PATH`
 * (an interpreter that has torch) trains the same in PyTorch afterwards, at random places. With `--parts FOLDER` it ends
 * after two minutes of training, and the same command goes on from there.
 */
export async function run({ json, args }: BenchOptions): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      text: { type: 'string' },
      iterations: { type: 'string', default: '2000' },
      rate: { type: 'string', default: '0.001' },
      seed: { type: 'string', default: '1' },
      threads: { type: 'string', default: String(availableParallelism()) },
      offsets: { type: 'string', default: '1' },
      python: { type: 'string' },
      parts: { type: 'string' },
    },
  })
  const { text, parts, python } = values
  if (text === undefined) throw new Error('charlm needs a text: --text PATH, e.g. of tinyshakespeare.txt')
  const options: Options = {
    threads: Number(values.threads),
    iterations: Number(values.iterations),
    seed: Number(values.seed),
    rate: Number(values.rate),
    offsets: Number(values.offsets),
  }
  const folder = parts ?? (await mkdtemp(join(tmpdir(), 'gradstr-charlm-')))
  try {
    await mkdir(folder, { recursive: true })
    const signal = parts === undefined ? undefined : AbortSignal.timeout(PART)
    const figures = await measure(await readFile(text, 'utf8'), options, folder, signal)
    if (typeof figures === 'number') {
      console.log(`${figures} of ${options.iterations} iterations done; run it again`)
      return
    }
    const pytorch = python === undefined ? null : lossOfPeer(python, text, options)
    if (json) writeResult({ bench: 'charlm', ...options, wanted: WANTED, ...toldOf(figures, pytorch) })
    else print({ ...options, ...figures }, pytorch)
  } finally {
    if (parts === undefined) await rm(folder, { recursive: true, force: true })
  }
}

const peer = new URL('./charlm/peer.py', import.meta.url).pathname

const lossOfPeer = (python: string, text: string, { iterations, rate, seed, threads }: Options): number =>
  call<{ validation: number }>(python, [peer, text, ...[iterations, rate, seed, threads].map(String)])
    .validation

interface Options {
  threads: number
  iterations: number
  seed: number
  /** The learning rate's peak; it ends at a tenth of it. */
  rate: number
  offsets: number
}

type Trained = Exclude<Awaited<ReturnType<typeof measure>>, number>

/** @returns how many iterations are done, when the signal ended it */
async function measure(text: string, options: Options, folder: string, signal?: AbortSignal) {
  const trainer = new CharacterTrainer()
  trainer.add(text)
  const tokenizer = trainer.finish([])
  const tokens = tokenizer.encode(text)
  const spec = specOf(tokenizer.size, options)
  const cut = Math.floor(0.9 * tokens.length)
  const file = (name: string) => join(folder, `${name}.safetensors`)
  await writeBlocks(file('train'), tokens.subarray(0, cut), options.offsets)
  await writeBlocks(file('validation'), tokens.subarray(cut), 1)
  await writeSafetensors(file('first'), initialWeights(spec, options.seed))
  const trained = await train({
    ...{ spec, steps: options.iterations, seed: options.seed, threads: options.threads },
    ...{ weights: file('first'), data: file('train'), out: file('trained') },
    ...(signal
      ? { signal, checkpoints: { folder: join(folder, 'checkpoints'), every: options.iterations } }
      : {}),
  })
  if (trained.stopped) return trained.steps
  return { parameters: parameterCount(spec), ...summary(trained), validation: await lossOn(spec, file) }
}

const summary = ({ losses, seconds }: TrainResult) => ({
  /** Mean of the last hundred batches. */
  training: losses.slice(-100).reduce((sum, loss) => sum + loss, 0) / Math.min(100, losses.length),
  /** Of the last part. */
  seconds,
})

async function lossOn(spec: SpecOf<'gpt'>, file: (name: string) => string): Promise<number> {
  const engine = await evaluator(spec)
  const weights = await readWeights(spec, file('trained'))
  const { loss } = await engine.losses(weights, await engine.load(file('validation')))
  await engine.close()
  return loss
}

/** @returns the rows, and the wanted loss divided by ours: at least 1 is the goal */
function toldOf({ parameters, training, seconds, validation }: Trained, pytorch: number | null) {
  const of = { model: 'gpt-cpu', batch: BATCH }
  const ours = { ...of, engine: 'ours', validation, training, seconds }
  const rows = pytorch === null ? [ours] : [ours, { ...of, engine: 'pytorch', validation: pytorch }]
  return { parameters, rows, ratio: WANTED / validation }
}

const specOf = (vocabulary: number, { iterations: steps, rate }: Options): SpecOf<'gpt'> => ({
  recipe: 'gpt',
  task: 'language',
  model: { vocabulary, context: T, width: 128, layers: 4, heads: 4, bias: false, activation: 'gelu' },
  batch: BATCH,
  optimizer: {
    ...nanoGptAdamW(rate),
    schedule: { warmup: Math.min(100, steps - 1), steps, least: 0.1 },
  },
})

/** All blocks of T + 1 tokens that begin at multiples of T / offsets; what is left at the end is left out. */
async function writeBlocks(path: string, tokens: Int32Array, offsets: number): Promise<void> {
  const starts = Array.from({ length: offsets }, (_, i) => Math.floor((i * T) / offsets)).flatMap(first =>
    Array.from({ length: Math.floor((tokens.length - first - 1) / T) }, (_, i) => first + i * T),
  )
  const data = new Uint16Array(starts.length * (T + 1))
  for (const [row, start] of starts.entries()) data.set(tokens.subarray(start, start + T + 1), row * (T + 1))
  const tensor = { dtype: 'U16' as const, shape: [starts.length, T + 1], data }
  await writeSafetensors(path, new Map([['tokens', tensor]]))
}

function print(of: Options & Trained, pytorch: number | null): void {
  const { iterations, rate, seed, offsets, threads, parameters, training, seconds, validation } = of
  console.log(
    `${parameters.toLocaleString('en')} parameters, ${iterations} iterations, ${seconds.toFixed(0)} s, ${threads} threads, rate ${rate}, seed ${seed}, blocks at ${offsets} offset${offsets > 1 ? 's' : ''}`,
  )
  console.log(`training loss ${training.toFixed(4)} (last 100 batches)`)
  console.log(
    `validation loss ${validation.toFixed(4)} on the full split (wanted ≤ ${WANTED}, nanoGPT's figure)`,
  )
  if (pytorch !== null) console.log(`PyTorch's ${pytorch.toFixed(4)}`)
}
