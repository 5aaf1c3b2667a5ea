import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { homeFolder, liveHome, makeHome, practiceHome } from './home.ts'
import { lockHome } from './home-lock.ts'
import { chooseNetwork, isEmpty, networkOf, rememberedNetwork, requireNetwork } from './network.ts'
import { gradstr, start, temporaryFolder } from './process.test-support.ts'
import { openStore } from './store.ts'

let folder: ReturnType<typeof temporaryFolder>
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(() => folder.remove())

const holdTheLock = `
  const { lockHome } = await import(${JSON.stringify(new URL('./home-lock.ts', import.meta.url).href)})
  const { liveHome } = await import(${JSON.stringify(new URL('./home.ts', import.meta.url).href)})
  lockHome(liveHome(process.argv[1]), 'gradstr train')
  console.log('{"type":"locked"}')
  setInterval(() => {}, 1000)`

describe('a home', () => {
  it('is the flag, else GRADSTR_HOME, else the data folder of the platform', () => {
    expect(homeFolder('a', { GRADSTR_HOME: '/b' }, '/here')).toBe('/here/a')
    expect(homeFolder(undefined, { GRADSTR_HOME: 'b' }, '/here')).toBe('/here/b')
    expect(homeFolder(undefined, {}, '/work')).toMatch(/gradstr/)
    expect(() => homeFolder('', {}, '/work')).toThrow(/empty name/)
  })

  it.runIf(process.platform !== 'win32')('can be entered and read by its owner alone', () => {
    const home = liveHome(folder.at('new/home'))
    const { db } = openStore(home)
    const mode = (path: string) => statSync(path).mode & 0o777
    expect(mode(home.folder)).toBe(0o700)
    for (const name of readdirSync(home.folder))
      expect([name, mode(folder.at(`new/home/${name}`))]).toEqual([name, 0o600])
    db.close()
  })

  it('keeps play money apart', () => {
    const [live, practice] = [liveHome('/h'), practiceHome('/h')]
    expect(practice.practice && !live.practice).toBe(true)
    expect(practice.database).not.toBe(live.database)
  })

  it('is not made where a file is', () => {
    writeFileSync(folder.at('file'), '')
    expect(() => makeHome(liveHome(folder.at('file')))).toThrow(/is a file, not a folder/)
  })
})

describe('the lock of a home', () => {
  it('is held by one process, named to the next one, and let go by kill -9', async () => {
    const home = liveHome(folder.at('home'))
    makeHome(home)
    const holder = start([], { script: holdTheLock, argument: home.folder })
    await holder.event('locked')
    expect(() => lockHome(home, 'me')).toThrow(
      expect.objectContaining({
        code: 'home/busy',
        message: `Another Gradstr (\`gradstr train\`, process ${holder.child.pid}) is at work in this home.`,
      }),
    )
    holder.child.kill('SIGKILL')
    await holder.end
    const lock = lockHome(home, 'me')
    lock.release()
    lockHome(home, 'me again').release()
  })

  it('does not hinder reading', async () => {
    const home = liveHome(folder.at('home'))
    const store = openStore(home)
    const lock = lockHome(home, 'gradstr train')
    const [balance, topup] = await Promise.all([
      gradstr(['wallet', 'balance', '--json', '--home', home.folder]),
      gradstr(['wallet', 'topup', '5', '--json', '--home', home.folder], {
        env: { GRADSTR_PASSPHRASE: 'x' },
      }),
    ])
    lock.release()
    store.db.close()
    expect(balance.json().at(-1)).toMatchObject({ type: 'result', available: 0 })
    expect([topup.code, topup.json().at(-1)?.code]).toEqual([1, 'home/busy'])
  })
})

describe('the network that a home remembers', () => {
  const flags = (more: Partial<Record<'relay' | 'blossom' | 'mint', string[]>>) =>
    networkOf({ relay: [], blossom: [], mint: [], ...more })

  it('is that of the last flags, kind by kind', () => {
    const { db, settings } = openStore(liveHome(folder.at('home')))
    expect(isEmpty(rememberedNetwork(settings))).toBe(true)
    chooseNetwork(settings, flags({ relay: ['ws://a'], mint: ['http://m'] }))
    chooseNetwork(settings, flags({ relay: ['ws://b', 'ws://c', 'ws://B/'] }))
    expect(chooseNetwork(settings, flags({}))).toEqual({
      relays: ['ws://b', 'ws://c'],
      blossoms: [],
      mints: ['http://m'],
    })
    db.close()
  })

  it('says what is missing and how to give it', () => {
    const some = flags({ relay: ['ws://a'] })
    expect(() => requireNetwork(some, ['relays', 'blossoms', 'mints'])).toThrow(
      'No Blossom server, no mint is given, and this home remembers none.',
    )
    expect(() => requireNetwork(some, ['relays'])).not.toThrow()
  })
})

describe('a home without permission', () => {
  it('is told in three lines and leaves nothing behind', async () => {
    mkdirSync(folder.at('closed'))
    chmodSync(folder.at('closed'), 0o500)
    // Root may write everywhere but in the kernel's own file system.
    const home = process.getuid?.() === 0 ? '/sys/gradstr/home' : folder.at('closed/home')
    const ran = await gradstr(['wallet', 'topup', '5', '--home', home, '--mint', 'http://127.0.0.1:1'], {
      env: { GRADSTR_PASSPHRASE: 'x' },
    })
    expect([ran.code, ran.stderr.trimEnd().split('\n').length]).toEqual([1, 3])
    expect(existsSync(home)).toBe(false)
  })
})
