import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
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

describe('a passphrase', () => {
  it('comes from the environment without a question', async () => {
    const { devices, shown } = terminal()
    expect(await passphraseFor('/h', { GRADSTR_PASSPHRASE: 'x' }, devices)).toBe('x')
    expect(await newPassphrase('/h', { GRADSTR_PASSPHRASE: 'x' }, devices)).toBe('x')
    expect(shown()).toBe('')
  })

  it('of a new home is asked for twice', async () => {
    for (const [again, outcome] of [
      ['one', 'one'],
      ['two', undefined],
    ] as const) {
      const { devices, stdin } = terminal()
      const answer = newPassphrase('/h', {}, devices)
      stdin.write('one\r')
      await new Promise(resolve => setImmediate(resolve))
      stdin.write(`${again}\r`)
      if (outcome === undefined) await expect(answer).rejects.toThrow('not the same')
      else expect(await answer).toBe(outcome)
    }
  })

  it('cannot be asked for without a terminal', async () => {
    const { devices } = terminal()
    devices.stdin.isTTY = false
    await expect(newPassphrase('/h', {}, devices)).rejects.toMatchObject({
      code: 'identity/no-passphrase',
      fix: expect.stringContaining('GRADSTR_PASSPHRASE'),
    })
  })
})
