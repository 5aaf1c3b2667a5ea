import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type MintServer, startMint } from '../../../core/localnet/index.ts'
import { gradstr, start, temporaryFolder } from '../../process.test-support.ts'

let folder: ReturnType<typeof temporaryFolder>
/** Its invoices pay themselves; those of the other one only when somebody pays them. */
let mint: MintServer
let other: MintServer
beforeAll(async () => {
  folder = temporaryFolder()
  mint = await startMint({ folder: folder.at('mint') })
  other = await startMint({ folder: folder.at('other'), payAfterMs: null })
})
afterAll(async () => {
  await mint.close()
  await other.close()
  folder.remove()
})

const env = { GRADSTR_PASSPHRASE: 'correct horse' }
const wallet = (home: string, ...args: string[]) =>
  gradstr(['wallet', ...args, '--home', folder.at(home), '--json'], { env })
const last = (ran: Awaited<ReturnType<typeof gradstr>>) => ran.json().at(-1)

// A bound against hanging, not a measure: a dozen processes start one after the other.
describe('gradstr wallet', { timeout: 300_000 }, () => {
  it('tops up, pays an invoice after showing the fee, keeps a history, and is restored from its words', async () => {
    const topup = await wallet('home', 'topup', '1,000', '--mint', mint.url)
    expect(topup.code).toBe(0)
    expect(topup.json().map(line => line.type)).toEqual(['invoice', 'result'])
    expect(last(topup)).toEqual({ type: 'result', state: 'paid', added: 1000, available: 1000 })
    expect(topup.stderr).toContain('A new identity was made')
    expect(existsSync(folder.at('home/secrets.json'))).toBe(true)

    const asked = await wallet('payee', 'topup', '100', '--no-wait', '--mint', other.url)
    const invoice = String(last(asked)?.invoice)
    expect(last(asked)).toMatchObject({ state: 'pending', amount: 100, mint: other.url })
    const unconfirmed = await wallet('home', 'withdraw', invoice)
    expect([unconfirmed.code, last(unconfirmed)?.code]).toEqual([1, 'wallet/unconfirmed'])
    const paid = await wallet('home', 'withdraw', `lightning:${invoice}`, '--yes')
    const [quote, done] = paid.json()
    expect(quote).toMatchObject({ type: 'quote', amount: 100, mint: mint.url })
    expect(done).toMatchObject({ type: 'result', state: 'paid', paid: 100 })
    const fee = Number(done?.fee)
    expect(fee).toBeLessThanOrEqual(Number(quote?.fee))
    expect(done?.available).toBe(1000 - 100 - fee)

    // Reading needs no passphrase.
    const [balance, history] = await Promise.all([
      gradstr(['wallet', 'balance', '--json', '--home', folder.at('home')]),
      gradstr(['wallet', 'history', '--json', '--home', folder.at('home')]),
    ])
    expect(last(balance)).toMatchObject({ available: 900 - fee, locked: 0, fees: fee })
    const entries = history.json().slice(0, -1)
    const sum = entries.reduce(
      (total, { changes }) => total + ((changes as { available?: number }).available ?? 0),
      0,
    )
    expect(sum).toBe(900 - fee)

    const backup = await wallet('home', 'backup', '--out', folder.at('backup.json'))
    const words = String(last(backup)?.mnemonic)
    expect(words.split(' ')).toHaveLength(12)
    expect(JSON.parse(readFileSync(folder.at('backup.json'), 'utf8'))).toMatchObject({ v: 1, locks: [] })
    const restored = await gradstr(
      [
        'wallet',
        'restore',
        '--json',
        '--home',
        folder.at('new'),
        '--mint',
        mint.url,
        '--from',
        folder.at('backup.json'),
      ],
      { env, input: `${words.toUpperCase()}\n` },
    )
    expect(last(restored)).toMatchObject({ type: 'result', found: 900 - fee, available: 900 - fee, locks: 0 })
  })

  it('says when it is stopped how a payment that comes later is brought in', async () => {
    const args = ['wallet', 'topup', '21', '--mint', other.url, '--home', folder.at('waiting'), '--json']
    const running = start(args, { env })
    await running.event('invoice')
    await running.says('Waiting for the payment')
    running.child.kill('SIGINT')
    const stopped = await running.end
    const fix = '`gradstr wallet balance --refresh` brings in what is paid to this invoice.'
    expect([stopped.code, last(stopped)]).toMatchObject([130, { code: 'interrupted', fix }])
    expect(stopped.stderr).toContain(`Stopped. ${fix}`)
  })

  it('pays from the mint of the flag, though another one holds more', async () => {
    const second = await startMint({ folder: folder.at('second') })
    try {
      await wallet('two', 'topup', '1000', '--mint', mint.url)
      await wallet('two', 'topup', '200', '--mint', second.url)
      const asked = await wallet('payee-2', 'topup', '50', '--no-wait', '--mint', other.url)
      const invoice = String(last(asked)?.invoice)
      const paid = await wallet('two', 'withdraw', invoice, '--yes', '--mint', second.url)
      expect([paid.code, last(paid)]).toMatchObject([0, { state: 'paid', mint: second.url }])
      expect(last(await wallet('two', 'balance'))).toMatchObject({
        mints: { [mint.url]: { available: 1000 } },
      })
    } finally {
      await second.close()
    }
  })

  it('brings in what was paid while nobody waited', async () => {
    await wallet('later', 'topup', '21', '--no-wait', '--mint', mint.url)
    expect(last(await wallet('later', 'balance', '--refresh'))).toMatchObject({ available: 21 })
  })

  it('refuses a wrong passphrase and does not overwrite a backup', async () => {
    await wallet('mine', 'topup', '21', '--no-wait', '--mint', mint.url)
    const [wrong, nobody, over] = await Promise.all([
      gradstr(['wallet', 'topup', '5', '--home', folder.at('mine')], {
        env: { GRADSTR_PASSPHRASE: 'wrong' },
      }),
      gradstr(['wallet', 'backup', '--home', folder.at('mine')]),
      wallet('mine', 'backup', '--out', folder.at('mine/secrets.json')),
    ])
    expect([wrong.code, nobody.code, over.code]).toEqual([1, 1, 1])
    expect(wrong.stderr).toMatch(
      /^Error: The passphrase does not open this identity\.\nWhere: .*\nFix: .*\n$/,
    )
    expect(nobody.stderr).toMatch(
      /^Error: .*\nWhere: .*\nFix: Set the environment variable GRADSTR_PASSPHRASE.*\n$/,
    )
    expect(last(over)).toMatchObject({ type: 'error', code: 'system/eexist' })
  })

  it('says of a file that is no backup what is wrong with it and where it is', async () => {
    writeFileSync(folder.at('list.json'), '{"v":1}')
    writeFileSync(folder.at('words.json'), 'no JSON')
    const from = (file: string) => wallet('bad', 'restore', '--mint', mint.url, '--from', folder.at(file))
    const [list, words] = await Promise.all([from('list.json'), from('words.json')])
    expect(list.stderr).toMatch(
      /^Error: This is no backup of a Gradstr wallet: its part "counters" is missing .*\.\nWhere: .*list\.json\nFix: Give the file/,
    )
    expect([words.code, last(words)]).toMatchObject([
      1,
      { code: 'wallet/bad-backup', where: folder.at('words.json') },
    ])
    expect(existsSync(folder.at('bad'))).toBe(false)
  })

  it('makes no home for a command that fails before it needs one', async () => {
    const [reading, passphrase, words] = await Promise.all([
      wallet('none', 'balance'),
      gradstr(['wallet', 'topup', '5', '--home', folder.at('none'), '--mint', mint.url]),
      gradstr(['wallet', 'restore', '--home', folder.at('none'), '--mint', mint.url], {
        env,
        input: 'a b c',
      }),
    ])
    expect([reading, passphrase, words].map(ran => ran.code)).toEqual([1, 1, 1])
    expect(last(reading)?.code).toBe('home/none')
    expect(words.stderr).toMatch(/12 to 24 words/)
    expect(existsSync(folder.at('none'))).toBe(false)
  })

  it('says which mint does not answer, and which is missing', async () => {
    const gone = await startMint({ folder: folder.at('gone') })
    await gone.close()
    const [silent, missing] = await Promise.all([
      wallet('silent', 'topup', '5', '--mint', gone.url),
      wallet('missing', 'topup', '5'),
    ])
    expect([silent.code, missing.code]).toEqual([1, 1])
    expect(silent.stderr).toContain(`Where: ${gone.url}`)
    expect(last(silent)).toMatchObject({ type: 'error', where: gone.url })
    expect(last(missing)).toMatchObject({
      code: 'network/incomplete',
      message: expect.stringContaining('No mint'),
    })
  })
})
