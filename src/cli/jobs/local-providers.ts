import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { UserError } from '../../shared/errors.ts'
import type { Network } from '../network.ts'

const entry = fileURLToPath(new URL('../index.ts', import.meta.url))

export interface LocalProviders {
  /** Plain names by identity. */
  names: ReadonlyMap<string, string>
  /** The processes, in order; tests kill them. */
  pids: number[]
  /** Asks them to stop and waits until they have: what was released to them is redeemed by then. */
  stop(): Promise<void>
}

/** How long a provider may take to be ready, and to redeem and leave, in milliseconds. */
const readyMs = 60_000
const leaveMs = 20_000

/** Providers of the practice network: real ones, each a process of its own with a home of its own. */
export async function hireLocally(
  count: number,
  folder: string,
  network: Network,
  signal: AbortSignal,
): Promise<LocalProviders> {
  const names = new Map<string, string>()
  const children = Array.from({ length: count }, (_, i) =>
    startProvider(join(folder, `provider-${i + 1}`), network),
  )
  const stop = async (): Promise<void> => {
    await Promise.all(children.map(leave))
  }
  try {
    const keys = await Promise.all(children.map(child => ready(child, signal)))
    keys.forEach((key, i) => void names.set(key, `provider ${i + 1}`))
  } catch (error) {
    await stop()
    throw error
  }
  return {
    names,
    pids: children.flatMap(child => child.pid ?? []),
    stop,
  }
}

function startProvider(home: string, { relays, blossoms, mints }: Network): ChildProcess {
  const flags = [
    ...relays.flatMap(url => ['--relay', url]),
    ...blossoms.flatMap(url => ['--blossom', url]),
    ...mints.flatMap(url => ['--mint', url]),
  ]
  // One thread each: they share this computer.
  return spawn(
    process.execPath,
    [entry, 'provide', '--practice', '--threads', '1', '--home', home, '--json', ...flags],
    {
      // Its standard input closes when this process ends, however it ends: then it leaves too.
      stdio: ['pipe', 'pipe', 'ignore'],
      // A group of its own: Ctrl-C is for the customer, which then asks its providers to leave.
      detached: true,
    },
  )
}

function ready(child: ChildProcess, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void =>
      reject(
        new UserError('provider/not-ready', {
          message: `A local provider did not start: ${reason}`,
          fix: 'Run the command again; with GRADSTR_DEBUG=1 it tells more.',
        }),
      )
    const timer = setTimeout(() => fail('it took more than a minute.'), readyMs)
    const lines = createInterface({ input: child.stdout! })
    lines.on('line', line => {
      const event: { type?: string; pubkey?: string; message?: string } = JSON.parse(line)
      if (event.type === 'ready' && event.pubkey) {
        clearTimeout(timer)
        resolve(event.pubkey)
      } else if (event.type === 'error') fail(event.message ?? 'unknown')
    })
    child.on('exit', code => fail(`it ended with code ${code}.`))
    signal.addEventListener('abort', () => fail('it was stopped.'), { once: true })
  })
}

function leave(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise(resolve => {
    const timer = setTimeout(() => child.kill('SIGKILL'), leaveMs)
    child.on('exit', () => {
      clearTimeout(timer)
      resolve()
    })
    child.kill('SIGTERM')
  })
}
