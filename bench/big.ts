import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  elements,
  initialWeights,
  type LanguageSpec,
  modelOf,
  parameterCount,
  type TensorSource,
  train,
  writeSafetensors,
} from '../src/core/training/index.ts'
import type { BenchOptions } from './index.ts'
import { writeResult } from './report/result.ts'

/** TinyLlama's shape (Zhang et al. 2024, arXiv 2401.02385): 1,100,048,384 parameters. */
const model = {
  vocabulary: 32_000,
  context: 64,
  width: 2048,
  hidden: 5632,
  layers: 22,
  heads: 32,
  keyValueHeads: 4,
  epsilon: 1e-5,
  theta: 10_000,
  tied: false,
}
const STEPS = 3
/** MiB of memory: what it should run in. */
const GOAL = 24 * 1024
const BLOCKS = 4

/**
 * Adapters of a Llama of 1.1 billion random weights, frozen in f16 or i8 (`--base f16|i8`), from files as a person trains:
 * one block of 64 tokens a step, adapters of rank 8 on every linear layer of the blocks. Goal: it runs in 24 GiB. Needs
 * 2.2 GB of disk for a while. `--layers N` makes it smaller.
 */
export async function run({ json, args }: BenchOptions): Promise<void> {
  const value = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
  const base = value('--base') === 'i8' ? 'i8' : 'f16'
  const layers = Number(value('--layers') ?? model.layers)
  const spec: LanguageSpec = {
    recipe: 'llama',
    task: 'language',
    model: { ...model, layers },
    adapter: {
      rank: 8,
      alpha: 16,
      targets: ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'],
      base,
    },
    batch: 1,
    optimizer: { name: 'adamw', learningRate: 1e-4, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
  }
  const folder = mkdtempSync(join(tmpdir(), 'gradstr-big-'))
  try {
    const seconds = await measure(spec, folder)
    const row = {
      ...{ model: 'llama', batch: spec.batch, engine: 'ours', base },
      parameters: parameterCount({ recipe: 'llama', model: spec.model }),
      trained: parameterCount(spec),
      ms_per_step: Math.round(1000 * median(seconds)),
      peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
    }
    const ratio = row.peak_rss_mb / GOAL
    if (json) writeResult({ bench: 'big', cores: availableParallelism(), goal_mb: GOAL, rows: [row], ratio })
    else
      console.log(
        `${row.parameters} weights in ${base}, ${row.trained} trained: ${(row.ms_per_step / 1000).toFixed(2)} s a step (${seconds.map(s => s.toFixed(2)).join(', ')}), ${row.peak_rss_mb} MB at the peak`,
      )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** @returns seconds of each call of the engine, a step each */
async function measure(spec: LanguageSpec, folder: string): Promise<number[]> {
  const at = (name: string) => join(folder, `${name}.safetensors`)
  await writeSafetensors(at('base'), modelOf(spec).frozen.map(randomHalves))
  await writeSafetensors(at('weights'), initialWeights(spec, 1))
  const width = spec.model.context + 1
  const data = Uint16Array.from({ length: BLOCKS * width }, (_, i) => (i * 7919) % spec.model.vocabulary)
  await writeSafetensors(at('data'), [{ name: 'tokens', dtype: 'U16', shape: [BLOCKS, width], data }])
  const ends: number[] = []
  // Each step is a call of its own: the first one's time holds the opening of the engine, and is not counted.
  await train({
    spec,
    weights: at('weights'),
    base: at('base'),
    data: at('data'),
    out: at('out'),
    steps: STEPS + 1,
    seed: 1,
    onProgress: ({ step, loss }) => {
      ends.push(performance.now())
      process.stderr.write(`step ${step}: loss ${loss.toFixed(3)}\n`)
    },
  })
  return ends.slice(1).map((end, i) => (end - ends[i]!) / 1000)
}

const PIECE = 1 << 20

/** Numbers of magnitude 1/64 to 1/32 with random signs, a million of them again and again; ones where a norm scales. */
function randomHalves({ name, shape }: { name: string; shape: number[] }): TensorSource {
  const size = elements(shape)
  if (shape.length < 2) return { name, shape, dtype: 'F16', data: new Uint16Array(size).fill(0x3c00) }
  return { name, shape, dtype: 'F16', data: pieces(size) }
}

function* pieces(size: number): Generator<Uint16Array> {
  for (let from = 0; from < size; from += PIECE) yield random.subarray(0, Math.min(PIECE, size - from))
}

const random = Uint16Array.from({ length: PIECE }, () => {
  const bits = Math.floor(Math.random() * 0x800)
  return ((bits & 0x400) << 5) | 0x2400 | (bits & 0x3ff)
})

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
