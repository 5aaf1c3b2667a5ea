import { type Command, Option } from 'commander'
import { homeFolder, liveHome } from './home.ts'
import { type Log, openLog } from './log.ts'
import type { Network } from './network.ts'
import type { Terminal } from './prompt.ts'
import { openReport, type Report, type Streams } from './report.ts'

/** What the program gets from the process it runs in. */
export interface Cli extends Streams {
  stdin: NodeJS.ReadStream
  env: NodeJS.ProcessEnv
  cwd: string
  signal: AbortSignal
  /** Milliseconds since 1970. */
  now: () => number
}

/** What one run of a command works with. */
export interface Call {
  cli: Cli
  report: Report
  log: Log
  signal: AbortSignal
  terminal: Terminal
  /** The folder of `--home`, GRADSTR_HOME or the platform. */
  folder: string
  network: Network
}

interface GlobalFlags {
  home?: string
  json?: true
  relay: string[]
  blossom: string[]
  mint: string[]
}

const collect = (value: string, before: string[]): string[] => [...before, value]

/** The flags that every command takes, before or after its name. */
export function globalOptions(program: Command): Command {
  const several = (flags: string, about: string) =>
    new Option(flags, about).argParser(collect).default([], 'what the home remembers')
  return program
    .option('--home <folder>', 'where identity, wallet and jobs are kept (or GRADSTR_HOME)')
    .option('--json', 'JSON lines on stdout, the last one of type "result"; human text on stderr')
    .addOption(several('--relay <url>', 'Nostr relay; may be given several times'))
    .addOption(several('--blossom <url>', 'Blossom server for encrypted blobs; several times'))
    .addOption(several('--mint <url>', 'Cashu mint; several times'))
}

export async function callOf(cli: Cli, command: Command): Promise<Call> {
  // Rooms are loaded when a command runs, so that help and mistyped commands answer at once.
  const { networkOf } = await import('./network.ts')
  const flags = command.optsWithGlobals<GlobalFlags>()
  const folder = homeFolder(flags.home, cli.env, cli.cwd)
  return {
    cli,
    report: openReport(flags.json === true, cli),
    log: openLog(liveHome(folder).log),
    signal: cli.signal,
    terminal: { stdin: cli.stdin, stderr: cli.stderr, signal: cli.signal },
    folder,
    network: networkOf(flags),
  }
}
