import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { call } from './engine/call.ts'
import { type Configuration, configurations } from './engine/configurations.ts'
import type { BenchOptions } from './index.ts'
import { writeResult } from './report/result.ts'

/**
 * A full training step (forward, loss, backward, optimizer; float32) against PyTorch on the same cores, and against
 * TensorFlow.js where it can: one session a process, the engines in turns, medians. `--model NAME` (all when left out),
 * `--batch N`, `--python PATH` (an interpreter that has torch; without it PyTorch is left out; torch.compile has rows of its own
 * where it works, which takes a C++ compiler), `--eager` (never torch.compile, which takes a minute to begin), `--turns N`,
 * `--threads N`.
 */
export async function run({ json, args }: BenchOptions): Promise<void> {
  const { values: options } = parseArgs({
    args,
    options: {
      model: { type: 'string', multiple: true, default: Object.keys(configurations) },
      batch: { type: 'string' },
      python: { type: 'string' },
      eager: { type: 'boolean', default: false },
      turns: { type: 'string', default: '5' },
      threads: { type: 'string', default: String(availableParallelism()) },
    },
  })
  const { threads, python, turns } = options
  const cases = options.model.flatMap(model =>
    batchesOf(model, options.batch).map(batch => ({ model, batch, threads })),
  )
  const rows = cases.flatMap(timed => {
    const timedRows = measure(timed, python, !options.eager, Number(turns))
    if (!json) for (const row of timedRows) process.stdout.write(`${lineOf(row)}\n`)
    return timedRows
  })
  const product = python ? call<{ gflops: number }>(python, [peer, 'matmul', threads]) : null
  const ratios = cases.map(({ model, batch }) => ratioOf(rows, model, batch))
  if (json) {
    const ratio = Math.min(...ratios.flatMap(r => r.pytorch ?? []))
    const machine = { threads: Number(threads), gflops: product?.gflops ?? null }
    writeResult({ bench: 'engine', ...machine, rows, ratios, ratio: Number.isFinite(ratio) ? ratio : null })
    return
  }
  for (const ratio of ratios) process.stdout.write(`${summaryOf(ratio)}\n`)
  if (product)
    process.stdout.write(`a bare float32 product of 1024 × 1024: ${product.gflops.toFixed(0)} GFLOP/s\n`)
}

type EngineName = 'ours' | 'pytorch' | 'pytorch-compile' | 'tfjs'
interface Case {
  model: string
  batch: number
  threads: string
}
type Figures = Record<'ms_per_step' | 'peak_rss_mb', number>
type Row = Pick<Case, 'model' | 'batch'> & { engine: EngineName } & Figures

const peer = new URL('./engine/peer.py', import.meta.url).pathname
const script = (name: string) => new URL(`./engine/${name}.ts`, import.meta.url).pathname

function configurationOf(model: string): Configuration {
  const found = configurations[model]
  if (!found)
    throw new Error(`There is no model "${model}"; there are ${Object.keys(configurations).join(', ')}.`)
  return found
}

const batchesOf = (model: string, batch: string | undefined): readonly number[] =>
  batch ? [Number(batch)] : configurationOf(model).batches

/** Every engine once in each turn: what else the machine does falls on all of them. */
function measure(
  { model, batch, threads }: Case,
  python: string | undefined,
  compile: boolean,
  turns: number,
): Row[] {
  const of = [model, String(batch), threads]
  const engines: Partial<Record<EngineName, () => Figures | undefined>> = {
    ours: () => call<Figures>(process.execPath, [script('ours'), ...of]),
    ...(python && { pytorch: () => call<Figures>(python, [peer, ...of, 'eager']) }),
    ...(python && compile && { 'pytorch-compile': () => compiled(python, of) }),
    ...(configurationOf(model).tensorflow && {
      tfjs: () => call<Figures>(process.execPath, [script('tensorflow'), `${batch}`]),
    }),
  }
  const seen = new Map<EngineName, Figures[]>()
  for (let turn = 0; turn < turns; turn++)
    for (const [engine, time] of Object.entries(engines) as [EngineName, () => Figures | undefined][])
      seen.set(engine, [...(seen.get(engine) ?? []), ...[time() ?? []].flat()])
  return [...seen]
    .filter(([, figures]) => figures.length > 0)
    .map(([engine, figures]) => ({
      model,
      batch,
      engine,
      ms_per_step: median(figures.map(f => f.ms_per_step)),
      peak_rss_mb: Math.max(...figures.map(f => f.peak_rss_mb)),
    }))
}

/** Not everywhere does torch.compile work: then there is no row, and why is said. */
function compiled(python: string, of: readonly string[]): Figures | undefined {
  try {
    return call<Figures>(python, [peer, ...of, 'compile'])
  } catch (error) {
    process.stderr.write(`torch.compile is left out: ${String(error).slice(-500)}\n`)
    return undefined
  }
}

/** How many times our time and memory the others take. */
function ratioOf(rows: Row[], model: string, batch: number) {
  const of = (engine: EngineName) =>
    rows.find(r => r.engine === engine && r.model === model && r.batch === batch)
  const times = (engine: EngineName, what: 'ms_per_step' | 'peak_rss_mb') => {
    const [theirs, ours] = [of(engine)?.[what], of('ours')?.[what]]
    return theirs && ours ? theirs / ours : null
  }
  return {
    model,
    batch,
    goal: configurationOf(model).goal,
    pytorch: times('pytorch', 'ms_per_step'),
    compile: times('pytorch-compile', 'ms_per_step'),
    tfjs: times('tfjs', 'ms_per_step'),
    memory: times('pytorch', 'peak_rss_mb'),
  }
}

const lineOf = ({ model, batch, engine, ms_per_step, peak_rss_mb }: Row): string =>
  `${model.padEnd(8)} B ${String(batch).padEnd(4)} ${engine.padEnd(16)} ${ms_per_step.toFixed(2).padStart(8)} ms a step ${String(peak_rss_mb).padStart(5)} MB at most`

function summaryOf({
  model,
  batch,
  goal,
  pytorch,
  compile,
  tfjs,
  memory,
}: ReturnType<typeof ratioOf>): string {
  const said = [
    pytorch && `${pytorch.toFixed(2)} × PyTorch's speed (goal ${goal})`,
    compile && `${compile.toFixed(2)} × torch.compile's`,
    memory && `1/${memory.toFixed(1)} of its memory (goal 1/2)`,
    tfjs && `${tfjs.toFixed(0)} × TensorFlow.js (goal 10)`,
  ]
  return `${model} B ${batch}: ${said.filter(Boolean).join(', ')}`
}

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN
