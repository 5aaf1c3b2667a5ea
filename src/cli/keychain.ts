import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { UserError } from '../shared/errors.ts'
import type { Terminal } from './prompt.ts'

/** Where the system keeps a person's passwords. Both throw UserError `keychain/unreachable`, which says why. */
export interface Keychain {
  get(account: string): Promise<string | undefined>
  /** Resolves once what was stored can be read back. */
  set(account: string, secret: string): Promise<void>
}

interface KeychainOptions {
  env: NodeJS.ProcessEnv
  terminal: Pick<Terminal, 'stderr' | 'signal'>
  platform?: NodeJS.Platform
  /** Tests put a process of their own here. */
  entry?: string
  /** How long the system, and the person it may ask for a password, have; in milliseconds. */
  patienceMs?: number
}

const service = 'gradstr'
const entryOfOurs = fileURLToPath(new URL('./keychain-process.ts', import.meta.url))
/** When the person is told what is being waited for, in milliseconds. */
const silenceMs = 2_000

const answer = z.object({ secret: z.string().nullable() })

/** macOS's keychain, Windows's credential store, or the desktop's secret service over the session bus. */
export function systemKeychain(options: KeychainOptions): Keychain {
  const ask = async (request: object): Promise<string | undefined> => {
    if ((options.platform ?? process.platform) === 'linux' && !hasSessionBus(options.env))
      throw unreachable('There is no desktop session here (no session bus).')
    const said = await childSays(JSON.stringify({ service, ...request }), options)
    return answer.parse(JSON.parse(said)).secret ?? undefined
  }
  return {
    get: account => ask({ type: 'get', account }),
    async set(account, secret) {
      if ((await ask({ type: 'set', account, secret })) !== secret)
        throw unreachable('It does not give back what it was given.')
    },
  }
}

/** What GLib looks at; it would start a bus where there is a display and none, and nobody would hear of its end. */
const hasSessionBus = ({ DBUS_SESSION_BUS_ADDRESS: address, XDG_RUNTIME_DIR: folder }: NodeJS.ProcessEnv) =>
  Boolean(address) || (Boolean(folder) && existsSync(join(folder!, 'bus')))

async function childSays(request: string, options: KeychainOptions): Promise<string> {
  const { env, terminal, entry = entryOfOurs, patienceMs = 60_000 } = options
  const { NODE_OPTIONS: _, ...surroundings } = env
  const child = spawn(process.execPath, [entry], { env: surroundings, stdio: 'pipe' })
  let late = false
  const stop = (): void => void child.kill('SIGKILL')
  const patience = setTimeout(() => {
    late = true
    stop()
  }, patienceMs)
  const told = setTimeout(() => terminal.stderr.write('Waiting for the system’s keychain …\n'), silenceMs)
  terminal.signal.addEventListener('abort', stop)
  try {
    // One that ends before it has read everything says why on stderr.
    child.stdin.on('error', () => undefined)
    child.stdin.end(request)
    const ended = new Promise<number | null>((resolve, reject) => {
      child.on('error', reject).on('close', resolve)
    })
    const [code, out, trouble] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
    if (terminal.signal.aborted) throw terminal.signal.reason
    if (late) throw unreachable(`It did not answer within ${patienceMs / 1000} s.`)
    if (code !== 0) throw unreachable(inWords(trouble))
    return out
  } finally {
    clearTimeout(patience)
    clearTimeout(told)
    terminal.signal.removeEventListener('abort', stop)
  }
}

/** What libraries say when they fail, and what it means. */
const meanings: [RegExp, string][] = [
  [/Failed to load keytar/, 'Its library cannot be loaded (on Linux: libsecret, package libsecret-1-0).'],
  [/Cannot autolaunch|Could not connect|dbus-launch/, 'There is no desktop session here (no session bus).'],
  [/Object does not exist at path/, 'It is locked, and nothing here can ask you for its password.'],
  [/not provided by any \.service|ServiceUnknown/, 'This session has no keychain service.'],
]

function inWords(trouble: string): string {
  const known = meanings.find(([pattern]) => pattern.test(trouble))
  return known?.[1] ?? trouble.match(/^\w*Error: (.{1,200})/m)?.[1] ?? 'It failed without a reason.'
}

const unreachable = (why: string): UserError =>
  new UserError('keychain/unreachable', {
    message: why,
    fix: 'Run the command in your desktop session and unlock its keychain, or use a passphrase.',
  })
