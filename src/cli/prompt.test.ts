import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { systemKeychain } from './keychain.ts'
import { newPassphrase, passphraseFor } from './passphrase.ts'
import { askHidden, type Terminal } from './prompt.ts'

/** Terminal devices that a test can type on. */
function terminal() {
  const raw: boolean[] = []
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    isRaw: false,
    setRawMode: (on: boolean) => void raw.push(on),
  })
  const stderr = Object.assign(new PassThrough(), { isTTY: true })
  const abort = new AbortController()
  const devices: Terminal = {
    stdin: stdin as unknown as NodeJS.ReadStream, // the parts of it that a prompt uses
    stderr: stderr as unknown as NodeJS.WriteStream,
    signal: abort.signal,
  }
  stderr.setEncoding('utf8')
  return { devices, stdin, raw, abort, shown: (): string => stderr.read() ?? '' }
}

describe('a hidden prompt', () => {
  it('takes what is typed, with its corrections, and shows none of it', async () => {
    const { devices, stdin, raw, shown } = terminal()
    const answer = askHidden('Passphrase: ', devices)
    stdin.write('wrong\u0015sée')
    stdin.write('x\u007fcret\r')
    expect(await answer).toBe('séecret')
    expect(shown()).toBe('Passphrase: \n')
    expect(raw).toEqual([true, false])
  })

  it('gives the terminal back when the person stops', async () => {
    const { devices, raw, abort } = terminal()
    const answer = askHidden('Passphrase: ', devices)
    abort.abort(new Error('stop'))
    await expect(answer).rejects.toThrow('stop')
    expect(raw).toEqual([true, false])
  })
})

/** The system's keychain is the border of this program: here it is a map, in keychain.test.ts the real one. */
const keychainOf = (entries: Record<string, string>) => {
  const kept = new Map(Object.entries(entries))
  return {
    entries: kept,
    get: async (account: string) => kept.get(account),
    set: async (account: string, secret: string) => void kept.set(account, secret),
  }
}
/** None: no desktop session, whatever this test runs in. */
const noKeychain = systemKeychain({ env: {}, terminal: terminal().devices, platform: 'linux' })

describe('a passphrase', () => {
  it('comes from the environment without a question', async () => {
    const { devices, shown } = terminal()
    const keychain = keychainOf({ entry: 'kept' })
    const sources = { env: { GRADSTR_PASSPHRASE: 'x' }, keychain, terminal: devices }
    expect(await passphraseFor('/h', 'entry', sources)).toBe('x')
    expect(await newPassphrase('/h', sources)).toEqual({ text: 'x' })
    expect([shown(), keychain.entries]).toEqual(['', new Map([['entry', 'kept']])])
  })

  it('of a new home is a random one that the keychain keeps, where it can be reached', async () => {
    const { devices, shown } = terminal()
    const sources = { env: {}, keychain: keychainOf({}), terminal: devices }
    const [one, two] = [await newPassphrase('/h', sources), await newPassphrase('/h', sources)]
    expect(one.text).toMatch(/^[\w-]{43}$/)
    expect(two.text).not.toBe(one.text)
    for (const { text, keychain } of [one, two])
      expect(await passphraseFor('/h', keychain, sources)).toBe(text)
    expect(shown()).toBe('')
  })

  it('that a keychain has is not asked for where the keychain does not give it', async () => {
    const { devices, shown } = terminal()
    for (const [keychain, why] of [
      [noKeychain, /no session bus/],
      [keychainOf({}), /no such entry/],
    ] as const)
      await expect(
        passphraseFor('/h', 'entry', { env: {}, keychain, terminal: devices }),
      ).rejects.toMatchObject({
        code: 'identity/no-keychain',
        message: expect.stringMatching(why),
        fix: expect.stringContaining('recovery phrase'),
      })
    expect(shown()).toBe('')
  })

  it('of a new home is asked for twice where there is no keychain, and why is said', async () => {
    for (const [again, outcome] of [
      ['one', 'one'],
      ['two', undefined],
    ] as const) {
      const { devices, stdin, shown } = terminal()
      const answer = newPassphrase('/h', { env: {}, keychain: noKeychain, terminal: devices })
      stdin.write('one\r')
      await new Promise(resolve => setImmediate(resolve))
      stdin.write(`${again}\r`)
      if (outcome === undefined) await expect(answer).rejects.toThrow('not the same')
      else expect(await answer).toEqual({ text: outcome })
      expect(shown()).toContain('no session bus')
    }
  })

  it('cannot be asked for without a terminal', async () => {
    const { devices } = terminal()
    devices.stdin.isTTY = false
    await expect(
      newPassphrase('/h', { env: {}, keychain: noKeychain, terminal: devices }),
    ).rejects.toMatchObject({
      code: 'identity/no-passphrase',
      fix: expect.stringContaining('GRADSTR_PASSPHRASE'),
    })
  })
})
