import { rmSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Ran,
  type Running,
  type RunOptions,
  start,
  temporaryFolder,
} from '../../src/cli/process.test-support.ts'
import {
  type LocalBlossom,
  type LocalRelay,
  type MintServer,
  startBlossom,
  startMint,
  startRelay,
} from '../../src/core/localnet/index.ts'

const killPoint = new URL('./kill-point.ts', import.meta.url).href
const clock = new URL('./clock-ahead.ts', import.meta.url).href
const passphrase = { GRADSTR_PASSPHRASE: 'correct horse' }

/** One server that can go down and come back: the same port, the same folder. */
interface Restartable<T> {
  readonly url: string
  readonly server: T
  stop(): Promise<void>
  start(): Promise<void>
}

async function restartable<T extends { url: string; close(): Promise<void> }>(
  open: (port: number | undefined) => Promise<T>,
): Promise<Restartable<T>> {
  let server = await open(undefined)
  let up = true
  const { url } = server
  return {
    url,
    get server() {
      return server
    },
    async stop() {
      if (up) await server.close()
      up = false
    },
    async start() {
      server = await open(Number(new URL(url).port))
      up = true
    },
  }
}

/** A provider's process. */
export interface Provider extends Running {
  home: string
  pubkey: string
  /** Resolves with the first engagement event that fits. */
  engaged(fits: (event: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>
  /** Asks it to leave politely, and waits until it has. */
  leave(): Promise<Ran>
}

/** Three servers, each on its own, and processes of the real program that meet only through them. */
export async function openMarket() {
  const folder = temporaryFolder()
  const at = (name: string) => join(folder.path, name)
  const dateNow = Date.now
  const portOf = (port: number | undefined) => (port === undefined ? {} : { port })
  const relay: Restartable<LocalRelay> = await restartable(port =>
    startRelay({ folder: at('relay'), ...portOf(port) }),
  )
  const blossom: Restartable<LocalBlossom> = await restartable(port =>
    startBlossom({ folder: at('blossom'), ...portOf(port) }),
  )
  const mint: Restartable<MintServer> = await restartable(port =>
    startMint({ folder: at('mint'), ...portOf(port) }),
  )
  const children: Running[] = []
  const others: { close(): Promise<void> }[] = []
  const urls = { relay: relay.url, blossoms: [blossom.url], mint: mint.url }
  const network = (): string[] => [
    ...['--relay', urls.relay, '--mint', urls.mint],
    ...urls.blossoms.flatMap(url => ['--blossom', url]),
  ]
  const run = (args: string[], options: RunOptions = {}): Running => {
    const running = start([...args, '--json'], { ...options, env: { ...passphrase, ...options.env } })
    children.push(running)
    return running
  }
  return {
    folder: folder.path,
    at,
    relay,
    blossom,
    mint,
    /** From now on it is so many seconds later for the servers; processes are given `ahead`. */
    leap(seconds: number): void {
      Date.now = () => dateNow() + seconds * 1000
    },
    /** Where everyone meets; a test may put a proxy before a server. */
    urls,
    /** The same as flags. */
    network,
    run,

    async provider(
      name: string,
      options: { args?: string[]; env?: Record<string, string> } = {},
    ): Promise<Provider> {
      const home = at(name)
      const args = ['provide', '--threads', '1', '--home', home, ...(options.args ?? []), ...network()]
      const running = run(args, options.env ? { env: options.env } : {})
      const { pubkey } = await running.event('ready')
      return {
        ...running,
        home,
        pubkey: String(pubkey),
        engaged: fits => running.event('engagement', fits),
        leave() {
          running.child.kill('SIGTERM')
          return running.end
        },
      }
    },

    /** Another Blossom server beside the first. */
    async moreBlossom(): Promise<LocalBlossom> {
      const more = await startBlossom({ folder: at('more-blossom') })
      others.push(more)
      return more
    },

    /** Makes a customer's home with sats in it. */
    async fund(name: string, amount: number): Promise<string> {
      const home = at(name)
      const ran = await run(['wallet', 'topup', String(amount), '--home', home, ...network()]).end
      if (ran.code !== 0) throw new Error(ran.stderr)
      return home
    },

    async close(): Promise<void> {
      Date.now = dateNow
      for (const { child } of children) child.kill('SIGKILL')
      await Promise.allSettled(children.map(({ end }) => end))
      for (const server of others) await server.close()
      for (const server of [relay, blossom, mint]) await server.stop()
      rmSync(folder.path, { recursive: true, force: true })
    },
  }
}
export type Market = Awaited<ReturnType<typeof openMarket>>

/** The environment of a process that dies at this moment, or of several of which the first does; see kill-point.ts. */
export const killedAt = (moment: string, once?: string): Record<string, string> => ({
  NODE_OPTIONS: `--import=${killPoint}`,
  GRADSTR_TEST_KILL: moment,
  ...(once === undefined ? {} : { GRADSTR_TEST_KILL_ONCE: once }),
})

/** The environment of a process whose clock is so many seconds ahead. */
export const ahead = (seconds: number): Record<string, string> => ({
  NODE_OPTIONS: `--import=${clock}`,
  GRADSTR_TEST_AHEAD: String(seconds),
})

/** Each line of a process's answer; the last one is its result or its error. */
export const last = (ran: Ran): Record<string, unknown> => ran.json().at(-1) ?? {}
