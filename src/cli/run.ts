import type { Command } from 'commander'
import type { Cli } from './cli.ts'
import { EXIT } from './exit-codes.ts'
import { explain } from './failure.ts'
import { homeFolder, liveHome } from './home.ts'
import { type Interrupt, Interrupted, listenForSignals } from './interrupt.ts'
import { openLog } from './log.ts'
import { program } from './program.ts'
import { openReport } from './report.ts'
import { isAnswered, usageError } from './usage.ts'

/** One command from its arguments to its exit code. Everything it opened is closed when this resolves. */
export async function run(process: NodeJS.Process): Promise<number> {
  const args = process.argv.slice(2)
  const interrupt = listenForSignals(process, {
    exit: code => process.exit(code),
    now: Date.now,
    hint: () => void process.stderr.write('\nStopping … (once more to stop at once)\n'),
  })
  for (const stream of [process.stdout, process.stderr]) stream.on('error', withoutReader)
  const cli: Cli = {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    signal: interrupt.signal,
    now: Date.now,
  }
  const gradstr = program(cli)
  // Without a command: help, as an answer.
  const code = await gradstr
    .parseAsync(args.length > 0 ? args : ['--help'], { from: 'user' })
    .then(() => EXIT.ok)
    .catch((error: unknown) => fail(error, { cli, gradstr, args, interrupt }))
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  return code
}

interface Failing {
  cli: Cli
  gradstr: Command
  args: readonly string[]
  interrupt: Interrupt
}

function fail(thrown: unknown, { cli, gradstr, args, interrupt }: Failing): number {
  if (isAnswered(thrown)) return EXIT.ok
  const report = openReport(args.includes('--json'), cli)
  const stopped = interrupt.code()
  if (stopped !== undefined) {
    // What breaks because the person stopped it needs no explanation; how to go on may.
    const fix = thrown instanceof Interrupted ? thrown.fix : undefined
    report.note(fix === undefined ? 'Stopped.' : `Stopped. ${fix}`)
    report.event('error', {
      code: 'interrupted',
      message: 'Stopped before it was done.',
      fix: fix ?? 'Run it again.',
    })
    return stopped
  }
  const error = usageError(thrown, gradstr, args)
  const debug = cli.env.GRADSTR_DEBUG === '1'
  const told = explain(error, openLog(logPath(cli, gradstr)), debug)
  report.error(told.error)
  if (debug && error instanceof Error) report.note(...(error.stack ?? error.message).split('\n'))
  return told.code
}

/** The home's log, also when the home's name is what is wrong. */
function logPath(cli: Cli, gradstr: Command): string {
  const chosen = gradstr.opts<{ home?: string }>().home || cli.env.GRADSTR_HOME || undefined
  return liveHome(homeFolder(chosen, {}, cli.cwd)).log
}

/** `gradstr … | head` closes the pipe; a job that runs must not end for that. */
function withoutReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}

const flushed = (stream: NodeJS.WriteStream): Promise<void> =>
  new Promise(resolve => (stream.writable ? stream.write('', () => resolve()) : resolve()))
