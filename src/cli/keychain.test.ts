import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startMint } from '../core/localnet/index.ts'
import { systemKeychain } from './keychain.ts'
import { gradstr, temporaryFolder } from './process.test-support.ts'

let folder: ReturnType<typeof temporaryFolder>
const closing: (() => unknown)[] = []
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
  folder.remove()
})

function keychain(options: { env?: NodeJS.ProcessEnv; script?: string; patienceMs?: number }) {
  const {
    env = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent' },
    script,
    patienceMs = 20_000,
  } = options
  const entry = script === undefined ? {} : { entry: folder.at('keychain.mjs') }
  if (script !== undefined) writeFileSync(folder.at('keychain.mjs'), script)
  const stderr = new PassThrough() as unknown as NodeJS.WriteStream // only written to
  const abort = new AbortController()
  const terminal = { stderr, signal: abort.signal }
  return { ...systemKeychain({ env, terminal, platform: 'linux', patienceMs, ...entry }), abort }
}
const unreachable = (why: RegExp) => ({
  code: 'keychain/unreachable',
  message: expect.stringMatching(why),
})

describe('the system’s keychain', () => {
  it('is not looked for where there is no desktop session', async () => {
    const script = "throw new Error('started')"
    for (const env of [{}, { DISPLAY: ':0' }, { XDG_RUNTIME_DIR: folder.path }])
      await expect(keychain({ env, script }).get('a')).rejects.toMatchObject(
        unreachable(/no desktop session/),
      )
  })

  it.runIf(process.platform === 'linux')('is not reached over a bus that is not there', async () => {
    // With libsecret keytar says that it cannot connect, without it that it cannot be loaded.
    await expect(keychain({}).get('a')).rejects.toMatchObject(unreachable(/no session bus|libsecret/))
  })

  it.runIf(process.platform === 'linux')(
    'is given up when its bus takes a connection and says nothing',
    async () => {
      const bus = createServer().listen(folder.at('bus'))
      closing.push(() => bus.close())
      const silent = keychain({ env: { XDG_RUNTIME_DIR: folder.path }, patienceMs: 1000 })
      await expect(silent.get('a')).rejects.toMatchObject(unreachable(/did not answer within 1 s|libsecret/))
    },
  )

  it('that hangs lets go at once when the person stops the program', async () => {
    const { get, abort } = keychain({ script: 'setInterval(() => {}, 1000)' })
    const asked = get('a')
    setImmediate(() => abort.abort(new Error('stop')))
    await expect(asked).rejects.toThrow('stop')
  })

  it.each([
    ['Error: Object does not exist at path “/org/freedesktop/secrets/collection/login”', /is locked/],
    ['Error: The name org.freedesktop.secrets was not provided by any .service files', /no keychain service/],
    ['Error: something else', /^something else$/],
  ])('tells in words what its library means by: %s', async (said, why) => {
    const script = `throw new Error(${JSON.stringify(said.replace('Error: ', ''))})`
    await expect(keychain({ script }).get('a')).rejects.toMatchObject(unreachable(why))
  })

  it('does not count as one when it gives back something else than it got', async () => {
    const script = `console.log('{"secret":"other"}')`
    await expect(keychain({ script }).set('a', 'b')).rejects.toMatchObject(unreachable(/does not give back/))
  })
})

const bin = (name: string): boolean => existsSync(`/usr/bin/${name}`)
/** On Debian: apt-get install dbus gnome-keyring libsecret-1-0. */
const hasKeyring = ['dbus-run-session', 'gnome-keyring-daemon'].every(bin)

describe.runIf(hasKeyring)('a real keychain, in a desktop session of its own', () => {
  const cli = fileURLToPath(new URL('./index.ts', import.meta.url))
  /** `gradstr` in a session whose keyring is unlocked, without a passphrase in the environment. */
  async function inSession(args: string[]) {
    const unlocked = 'printf "pw\\n" | gnome-keyring-daemon --unlock --components=secrets >&2; exec "$@"'
    mkdirSync(folder.at('user'), { recursive: true })
    const child = spawn(
      'dbus-run-session',
      ['--', 'bash', '-c', unlocked, 'bash', process.execPath, cli, ...args, '--json'],
      { env: { PATH: process.env.PATH, HOME: folder.at('user') }, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
    return {
      lines: out
        .trim()
        .split('\n')
        .map(line => JSON.parse(line)),
      err,
    }
  }

  it('opens the homes that were made with it, and no other session does', async () => {
    const mint = await startMint({ folder: folder.at('mint') })
    closing.push(() => mint.close())
    const home = ['--home', folder.at('home')]
    const made = await inSession(['wallet', 'topup', '10', '--mint', mint.url, ...home])
    expect(made.lines.at(-1)).toMatchObject({ type: 'result', available: 10 })
    expect(made.err).toContain('keychain opens them')
    const again = await inSession(['wallet', 'backup', ...home])
    expect(again.lines.at(-1)).toMatchObject({
      type: 'result',
      mnemonic: expect.stringMatching(/^(\w+ ){11}\w+$/),
    })
    const outside = await gradstr(['wallet', 'backup', ...home, '--json'])
    expect(outside.json().at(-1)).toMatchObject({ type: 'error', code: 'identity/no-keychain' })
  }, 60_000)
})
