import type { Command } from 'commander'
import { UserError } from '../../shared/errors.ts'
import { type Call, type Cli, callOf } from '../cli.ts'
import { bytesText, count, counted, duration, flopsText, type Paint, printable } from '../format.ts'

/** Rows of MNIST's training set: the measure that people know. */
const MNIST = 60_000

export interface Device {
  name: string
  device: string
  threads: number
  memory: number
  test: { passed: boolean; error: number | null }
}
export interface Speed {
  secondsPerStep: number
  rowsPerSecond: number
  flopsPerSecond: number
}

export function addDevices(gradstr: Command, cli: Cli): void {
  gradstr
    .command('devices')
    .description('what this machine can compute with, how fast, and whether its numbers are right')
    .action(async (_options: object, command: Command) => devices(await callOf(cli, command)))
}

async function devices(call: Call): Promise<void> {
  const { report, signal } = call
  const { withCompute } = await import('../compute.ts')
  await withCompute(call, async compute => {
    const found = await compute.run('devices', {}, { signal })
    report.event('devices', { devices: found })
    if (!found.some(device => device.test.passed)) throw none(found)
    report.note('Measuring for about two seconds …')
    const speed = await compute.run('benchmark', {}, { signal })
    report.say(...deviceLines(found, speed, report.paint))
    report.result({ devices: found, benchmark: speed })
  })
}

export function deviceLines(found: readonly Device[], speed: Speed, paint: Paint): string[] {
  const each = found.map(({ name, device, threads, memory, test }) => {
    const verdict = test.passed
      ? paint('green', 'computes right')
      : paint('red', 'computes wrong, and is not used')
    const what = `${counted(threads, 'thread')}, ${bytesText(memory)} of memory`
    return `${paint('bold', name)}  ${printable(device)}: ${what}; ${verdict}`
  })
  return [
    ...each,
    `Training an image classifier of MNIST's size: ${flopsText(speed.flopsPerSecond)}, ${count(speed.rowsPerSecond)} rows/s.`,
    `This machine can train for others: one pass over MNIST's ${count(MNIST)} images takes about ${duration(Math.max(1, MNIST / speed.rowsPerSecond))}.`,
  ]
}

const none = (found: readonly Device[]): UserError =>
  new UserError('devices/none', {
    message: `No engine computes right on this machine: ${found.map(d => d.name).join(', ') || 'none was found'}.`,
    fix: 'Nothing can be trained here. Please report it with the output of `gradstr devices --json`.',
  })
