import { availableParallelism } from 'node:os'
import { generate, initialWeights, Reader, type TextArchitecture } from '../src/core/training/index.ts'
import type { BenchOptions } from './index.ts'
import { writeResult } from './report/result.ts'

/** New tokens of each turn. */
const TOKENS = 256
const TURNS = 3
const WANTED = 5

/** nanoGPT's shakespeare_char, the larger configuration, and GPT-2's smallest. */
const MODELS: Record<string, TextArchitecture> = {
  'gpt 6 × 384': gpt(65, 384, 384, 6, 6),
  'gpt2 12 × 768': gpt(50_257, 384, 768, 12, 12),
}

function gpt(
  vocabulary: number,
  context: number,
  width: number,
  layers: number,
  heads: number,
): TextArchitecture {
  const model = { vocabulary, context, width, layers, heads, bias: true, activation: 'gelu_new' as const }
  return { recipe: 'gpt', model }
}

interface Row {
  model: string
  /** Milliseconds of CPU and wall clock a token, medians. */
  cached: Figures
  plain: Figures
}
interface Figures {
  wall: number
  cpu: number
}

/**
 * 256 tokens after a prompt of 16, by the KV cache and by reading the whole text again for each token (in a graph of the
 * next multiple of 64 tokens), in turns. `--model NAME` measures one model only, `--turns N` another number of turns.
 */
export async function run({ json, args }: BenchOptions): Promise<void> {
  const value = (name: string) => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined)
  const turns = Number(value('--turns') ?? TURNS)
  const names = Object.keys(MODELS).filter(name => name.startsWith(value('--model') ?? 'gpt '))
  const rows: Row[] = []
  for (const name of names) {
    rows.push(await measure(name, turns))
    if (!json) print(rows.at(-1)!)
  }
  const ratio = Math.min(...rows.map(row => told(row).ratio))
  if (json)
    writeResult({ bench: 'generate', tokens: TOKENS, wanted: WANTED, rows: rows.flatMap(linesOf), ratio })
}

async function measure(name: string, turns: number): Promise<Row> {
  const architecture = MODELS[name]!
  const weights = initialWeights(architecture, 1)
  const readers = {
    cached: new Reader(architecture, weights),
    plain: new Reader(architecture, weights, { cache: false }),
  }
  const figures: Record<keyof typeof readers, Figures[]> = { cached: [], plain: [] }
  for (let turn = 0; turn < turns; turn++)
    for (const [way, reader] of Object.entries(readers) as [keyof typeof readers, Reader][]) {
      figures[way].push(await timed(reader))
      // The next turn loads its graphs anew, as a first one does; two open engines would slow each other.
      await reader.close()
      reader.begin([])
    }
  return { model: name, cached: median(figures.cached), plain: median(figures.plain) }
}

async function timed(reader: Reader): Promise<Figures> {
  const [began, cpu] = [performance.now(), process.cpuUsage()]
  const prompt = Array.from({ length: 16 }, (_, i) => i)
  let count = 0
  for await (const _ of generate(reader, { prompt, most: TOKENS, seed: 1, temperature: 1 })) count++
  const { user, system } = process.cpuUsage(cpu)
  return { wall: (performance.now() - began) / count, cpu: (user + system) / 1000 / count }
}

const median = (figures: Figures[]): Figures => {
  const middle = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!
  return { wall: middle(figures.map(f => f.wall)), cpu: middle(figures.map(f => f.cpu)) }
}

const told = (row: Row) => ({
  ...row,
  ratio: row.plain.wall / row.cached.wall,
  cpuRatio: row.plain.cpu / row.cached.cpu,
})

/** A step is a token. */
const linesOf = (row: Row) =>
  (['cached', 'plain'] as const).map(way => ({
    model: row.model,
    batch: 1,
    engine: 'ours',
    way,
    ms_per_step: row[way].wall,
    cpu_ms_per_step: row[way].cpu,
  }))

function print(row: Row): void {
  const { model, cached, plain, ratio, cpuRatio } = told(row)
  const line = (name: string, { wall, cpu }: Figures) =>
    console.log(
      `${name.padEnd(24)} ${wall.toFixed(2).padStart(8)} ms a token ${cpu.toFixed(2).padStart(8)} ms of CPU`,
    )
  console.log(`${model}: ${TOKENS} tokens after 16, ${availableParallelism()} cores, medians`)
  line('with the cache', cached)
  line('all read again each time', plain)
  console.log(`ratio ${ratio.toFixed(1)}, of CPU ${cpuRatio.toFixed(1)} (wanted ≥ ${WANTED})`)
}
