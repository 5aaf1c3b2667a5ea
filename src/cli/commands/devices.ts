import type { Command } from 'commander'
import type { Survey, Surveyed } from '../../core/compute/index.ts'
import { TITLES } from '../../core/training/index.ts'
import { UserError } from '../../shared/errors.ts'
import { type Call, type Cli, callOf } from '../cli.ts'
import { bytesText, count, duration, flopsText, type Paint, printable } from '../format.ts'

/** Rows of MNIST's training set: the measure that people know. */
const MNIST = 60_000

export function addDevices(gradstr: Command, cli: Cli): void {
  gradstr
    .command('devices')
    .description('what this machine can compute with, how fast, and whether its numbers are right')
    .action(async (_options: object, command: Command) => devices(await callOf(cli, command)))
}

async function devices(call: Call): Promise<void> {
  const { report, signal } = call
  const { withCompute } = await import('../compute.ts')
  const { surveyEngines } = await import('../../core/compute/index.ts')
  await withCompute(call, async compute => {
    report.note('Testing and measuring each engine for a few seconds …')
    const survey = await surveyEngines(compute, { signal })
    report.event('devices', { devices: survey.engines })
    if (!survey.chosen) throw none(survey.engines)
    report.say(...deviceLines(survey, report.paint))
    report.result({ devices: survey.engines, engine: survey.chosen.name, benchmark: survey.chosen.benchmark })
  })
}

export function deviceLines({ engines, chosen }: Survey, paint: Paint): string[] {
  const each = engines.map(({ name, device, memory, test, benchmark, reason }) => {
    const title = paint('bold', TITLES[name])
    const what = `${printable(device)}${memory === null ? '' : `, ${bytesText(memory)} of memory`}`
    const speed = benchmark ? `, ${flopsText(benchmark.flopsPerSecond)}` : ''
    const verdict = test?.passed ? paint('green', `computes right${speed}`) : paint('red', 'failed')
    return `${title}  ${what}: ${verdict}; ${printable(reason)}.`
  })
  if (!chosen) return each
  const { rowsPerSecond } = chosen.benchmark
  return [
    ...each,
    `Training an image classifier of MNIST's size: ${count(rowsPerSecond)} rows/s.`,
    `This machine can train for others: one pass over MNIST's ${count(MNIST)} images takes about ${duration(Math.max(1, MNIST / rowsPerSecond))}.`,
  ]
}

const none = (engines: readonly Surveyed[]): UserError =>
  new UserError('devices/none', {
    message: `No engine computes right on this machine. ${engines.map(({ name, reason }) => `${TITLES[name]}: ${reason}.`).join(' ')}`,
    fix: 'Nothing can be trained here. Please report it with the output of `gradstr devices --json`.',
  })
