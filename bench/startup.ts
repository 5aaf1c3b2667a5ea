import { parseArgs } from 'node:util'
import { parameterCount } from '../src/core/training/index.ts'
import { call } from './engine/call.ts'
import { configurations } from './engine/configurations.ts'
import type { BenchOptions } from './index.ts'
import { writeResult } from './report/result.ts'

/**
 * From a spec to a session that takes steps: the graph is built with its gradients, written as ONNX and opened. Goal: at most
 * two seconds for a GPT of ten million parameters. Time of the processors beside it: on a busy machine the clock says little.
 */
export async function run({ json, args }: BenchOptions): Promise<void> {
  const { values } = parseArgs({
    args,
    options: { model: { type: 'string', default: 'gpt-gpu' }, turns: { type: 'string', default: '5' } },
  })
  const configuration = configurations[values.model]
  if (!configuration)
    throw new Error(
      `There is no model "${values.model}"; there are ${Object.keys(configurations).join(', ')}.`,
    )
  const turns = Array.from({ length: Number(values.turns) }, () => started(values.model))
  const median = (what: keyof Times) =>
    turns.map(t => t[what]).sort((a, b) => a - b)[turns.length >> 1] ?? Number.NaN
  const times = Object.fromEntries(PARTS.map(part => [part, median(part)])) as Times
  const parameters = parameterCount(configuration.spec(1))
  const row = { model: values.model, engine: 'ours', parameters, ...inMilliseconds(times) }
  const ratio = times.ready / GOAL
  if (json) writeResult({ bench: 'startup', goal_ms: GOAL, rows: [row], ratio })
  else process.stdout.write(textOf({ model: values.model, parameters, ...times, ratio }))
}

/** Milliseconds. */
const GOAL = 2000
const PARTS = ['graph', 'file', 'session', 'ready', 'cpu'] as const
type Times = Record<(typeof PARTS)[number], number>

const inMilliseconds = (times: Times) => Object.fromEntries(PARTS.map(part => [`${part}_ms`, times[part]]))

const started = (model: string): Times =>
  call(process.execPath, [new URL('./startup/ours.ts', import.meta.url).pathname, model])

const textOf = ({
  model,
  parameters,
  graph,
  file,
  session,
  ready,
  cpu,
  ratio,
}: Times & { model: string; parameters: number; ratio: number }): string =>
  `${model}, ${parameters.toLocaleString('en-US')} parameters: graph ${graph.toFixed(0)} ms, file ${file.toFixed(0)} ms, session ${session.toFixed(0)} ms; ready after ${ready.toFixed(0)} ms (${cpu.toFixed(0)} of processors), ${ratio.toFixed(2)} of the goal's ${GOAL} ms\n`
