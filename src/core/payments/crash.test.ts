import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bytesToHex, randomBytes } from '@noble/hashes/utils.js'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createInvoice, type MintServer, startMint } from '../localnet/index.ts'
import { openDatabase } from '../store/index.ts'
import { inAnHour, newKeys, openHome, outstandingAt, testFolder } from './testing.ts'

let folder: ReturnType<typeof testFolder>
let mint: MintServer
beforeEach(async () => {
  folder = testFolder()
  mint = await startMint({ folder: folder.path })
})
afterEach(async () => {
  await mint.close()
  folder.remove()
})

const child = fileURLToPath(new URL('./crash-child.ts', import.meta.url))
const run = (args: string[]) =>
  new Promise<{ signal: NodeJS.Signals | null; code: number; errors: string }>(resolve => {
    execFile(process.execPath, ['--no-warnings', child, ...args], { timeout: 60_000 }, (error, _, errors) =>
      resolve({
        signal: error?.signal ?? null,
        code: typeof error?.code === 'number' ? error.code : 0,
        errors,
      }),
    )
  })

describe('a wallet whose process is killed at every step', () => {
  it('ends with exactly one effect of each operation, and no sat lost or counted twice', async () => {
    const { provider, customer, refund } = newKeys()
    const invoice = createInvoice({
      amount: 150,
      paymentHash: bytesToHex(randomBytes(32)),
      description: 'test',
      timestamp: Math.floor(Date.now() / 1000),
      expiry: 3600,
      nodeKey: '11'.repeat(32),
    })
    const secrets = [provider, customer, refund].map(key => `${bytesToHex(key.secret)}:${key.pubkey}`)
    const args = [folder.path, mint.url, invoice, String(inAnHour()), ...secrets]
    let deaths = 0
    for (;;) {
      const { signal, code, errors } = await run(args)
      if (signal !== 'SIGKILL') {
        expect(errors).toBe('')
        expect(code).toBe(0)
        break
      }
      deaths++
    }
    const died = readFileSync(join(folder.path, 'died.txt'), 'utf8').trim().split('\n')
    expect(died).toHaveLength(deaths)
    for (const purpose of ['mint', 'lock', 'redeem', 'refund', 'melt'])
      for (const point of ['stored', 'answered', 'done']) expect(died).toContain(`${purpose}:${point}`)

    const [buyer, seller] = [await openHome(folder.path, 'customer'), await openHome(folder.path, 'provider')]
    const [b, s] = [buyer.wallet.balance(), seller.wallet.balance()]
    for (const { wallet } of [buyer, seller])
      expect(await wallet.audit({ mints: true })).toEqual({ problems: [] })
    expect(b).toMatchObject({ locked: 0, released: 0, pendingIn: 0, pendingOut: 0, paid: s.earned })
    expect(b.available).toBe(1000 - 150 - b.paid - b.fees)
    expect(b.available + s.available).toBe(outstandingAt(mint.databasePath))
    expect(buyer.wallet.lockState('lock')).toMatchObject({ state: 'closed', released: b.paid, paid: b.paid })
    const db = openDatabase(mint.databasePath)
    expect(
      db.prepare('select direction, sum(amount) amount, count(*) n from lightning group by direction').all(),
    ).toEqual([
      { direction: 'in', amount: 1000, n: 1 },
      { direction: 'out', amount: 150, n: 1 },
    ])
    for (const { close } of [buyer, seller, db]) close()
  }, 300_000)
})
