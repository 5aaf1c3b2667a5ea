import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sats } from '../../shared/units.ts'
import { type MintServer, startMint } from '../localnet/index.ts'
import { type Mischief, startHostileMint } from './hostile-mint.test-support.ts'
import { fund, type Home, lockRequest, newKeys, openHome, outstandingAt, testFolder } from './testing.ts'

let folder: ReturnType<typeof testFolder>
let honest: MintServer
let mint: Awaited<ReturnType<typeof startHostileMint>>
let home: Home
beforeEach(async () => {
  folder = testFolder()
  honest = await startMint({ folder: folder.path })
  mint = await startHostileMint(honest.url)
  home = await openHome(folder.path, 'customer', { timeoutMs: 3000 })
})
afterEach(async () => {
  home.close()
  await mint.close()
  await honest.close()
  folder.remove()
})

const newLock = (id = 'lock') => lockRequest(id, mint.url, newKeys(), 24)
type Signed = { signatures: { C_: string; amount: number; dleq: { e: string; s: string } }[] }
const tamper =
  (change: (signatures: Signed['signatures']) => void) =>
  (answer: { status: number; body: Record<string, unknown> }) => {
    if (answer.status === 200) change((answer.body as Signed).signatures)
    return answer
  }

describe('a mint that fails while a lock is made', () => {
  const mischiefs: [string, Mischief['do'], string][] = [
    ['cuts the connection', 'refuse-connection', 'payments/mint-unreachable'],
    ['does the swap and loses the answer', 'lose-answer', ''],
    ['answers 500', () => ({ status: 500, body: {} }), 'payments/mint-unreachable'],
    ['answers 429', () => ({ status: 429, body: {} }), 'payments/mint-unreachable'],
    ['answers what is no JSON', () => '<html>', 'payments/mint-unreachable'],
    ['answers something else', () => ({ status: 200, body: {} }), 'payments/mint-dishonest'],
    [
      'gives a wrong DLEQ proof',
      tamper(s => {
        for (const { dleq } of s) dleq.s = `${dleq.s.slice(0, -2)}${dleq.s.endsWith('00') ? '01' : '00'}`
      }),
      'payments/mint-dishonest',
    ],
    [
      'gives no DLEQ proof',
      tamper(s => {
        for (const signature of s) Reflect.deleteProperty(signature, 'dleq')
      }),
      'payments/mint-dishonest',
    ],
    [
      'signs with another key',
      tamper(s => {
        const [first, second] = s
        if (first && second) [first.C_, second.C_] = [second.C_, first.C_]
      }),
      'payments/mint-dishonest',
    ],
    [
      'signs for other amounts',
      tamper(s => {
        for (const signature of s) signature.amount = 1
      }),
      'payments/mint-dishonest',
    ],
    ['signs too little', tamper(s => void s.pop()), 'payments/mint-dishonest'],
    [
      'gives points that are none',
      tamper(s => void s.map(x => Object.assign(x, { C_: 'zz' }))),
      'payments/mint-dishonest',
    ],
  ]

  it.each(mischiefs)(
    '%s: the lock is pending, nothing is lost, and it is made once the mint behaves',
    async (_, what, code) => {
      await fund(home, mint.url, 128)
      mint.be({ path: '/v1/swap', do: what })
      const request = newLock()
      if (code !== '') {
        await expect(home.wallet.lock(request)).rejects.toMatchObject({ code, where: mint.url })
        const { available, pendingOut } = home.wallet.balance()
        expect(available + pendingOut).toBe(128)
        expect(pendingOut).toBeGreaterThan(0)
        expect(home.wallet.lockState('lock')?.state).toBe('pending')
      }
      mint.be(undefined)
      const locked = await home.wallet.lock(request)
      expect(home.wallet.balance()).toMatchObject({
        available: 128 - locked.amount - locked.fee,
        locked: locked.amount,
        pendingOut: 0,
      })
      expect(await home.wallet.audit({ mints: true })).toEqual({ problems: [] })
      expect(outstandingAt(honest.databasePath)).toBe(128 - locked.fee)
    },
  )

  it('stalls: the wallet gives up waiting, and settle finishes the lock later', async () => {
    await fund(home, mint.url, 128)
    home.close()
    home = await openHome(folder.path, 'customer', { timeoutMs: 200 })
    mint.be({ path: '/v1/swap', do: 'stall' })
    await expect(home.wallet.lock(newLock())).rejects.toMatchObject({ code: 'payments/mint-unreachable' })
    home.close()
    mint.be(undefined)
    home = await openHome(folder.path, 'customer')
    await home.wallet.settle()
    expect(home.wallet.lockState('lock')?.state).toBe('locked')
  })

  it('refuses: the lock fails, everything is available again, and another try may succeed', async () => {
    await fund(home, mint.url, 128)
    for (const code of [10000, 11001]) {
      mint.be({ path: '/v1/swap', do: { status: 400, body: { code, detail: 'no' } } })
      await expect(home.wallet.lock(newLock())).rejects.toMatchObject({ code: 'payments/mint-refused' })
      expect(home.wallet.balance()).toMatchObject({ available: 128, pendingOut: 0 })
      expect(home.wallet.lockState('lock')?.state).toBe('failed')
    }
    mint.be(undefined)
    await home.wallet.lock(newLock())
    expect(await home.wallet.audit({ mints: true })).toEqual({ problems: [] })
  })

  it('retires its keyset meanwhile: the lock is made with the new one', async () => {
    await fund(home, mint.url, 128)
    mint.be({ path: '/v1/swap', do: 'refuse-connection' })
    const request = newLock()
    await home.wallet.lock(request).catch(() => {})
    const port = Number(new URL(honest.url).port)
    await honest.close()
    honest = await startMint({ folder: folder.path, port, feePpk: 300 })
    mint.be(undefined)
    const locked = await home.wallet.lock(request)
    expect(home.wallet.balance()).toMatchObject({ locked: locked.amount, pendingOut: 0 })
    expect(await home.wallet.audit({ mints: true })).toEqual({ problems: [] })
  })
})

describe('a mint that is down', () => {
  it('is asked less and less often by settle, which never throws, and everything ends when it is back', async () => {
    await fund(home, mint.url, 128)
    let clock = Math.floor(Date.now() / 1000)
    home.close()
    home = await openHome(folder.path, 'customer', { now: () => clock })
    mint.be({ path: '/', do: 'refuse-connection' })
    await home.wallet.lock(newLock()).catch(() => {})
    mint.seen.length = 0
    await home.wallet.settle()
    const asked = mint.seen.length
    expect(asked).toBeGreaterThan(0)
    await home.wallet.settle()
    expect(mint.seen).toHaveLength(asked)
    clock += 10
    mint.be(undefined)
    await home.wallet.settle()
    expect(home.wallet.lockState('lock')?.state).toBe('locked')
  })

  it('does not lose a top-up whose issue was cut off', async () => {
    mint.be({ path: '/v1/mint/bolt11', do: 'refuse-connection' })
    const { paid } = await home.wallet.topUp(mint.url, sats(64))
    while (home.wallet.balance().pendingIn === 0) await new Promise(resolve => setTimeout(resolve, 20))
    expect(home.wallet.balance()).toMatchObject({ pendingIn: 64, available: 0 })
    mint.be(undefined)
    expect(await paid).toBe(64)
    expect(home.wallet.balance()).toMatchObject({ pendingIn: 0, available: 64 })
  })

  it('keeps a withdrawal pending whose answer was lost, and never pays it twice', async () => {
    await fund(home, mint.url, 128)
    const other = await openHome(folder.path, 'other')
    const port = Number(new URL(honest.url).port)
    await honest.close()
    honest = await startMint({ folder: folder.path, port, payAfterMs: null })
    const { invoice, paid } = await other.wallet.topUp(honest.url, sats(64))
    mint.be({ path: '/v1/melt/', do: 'lose-answer' })
    await home.wallet.withdraw(mint.url, invoice).catch(() => {})
    mint.be({ path: '/v1/melt/bolt11', do: 'lose-answer' })
    expect(await home.wallet.withdraw(mint.url, invoice)).toMatchObject({ paid: 64, pending: true })
    mint.be(undefined)
    expect(await paid).toBe(64)
    const done = await home.wallet.withdraw(mint.url, invoice)
    expect(done).not.toHaveProperty('pending')
    expect(home.wallet.balance()).toMatchObject({ available: 128 - 64 - done.fee, pendingOut: 0 })
    expect(await home.wallet.audit({ mints: true })).toEqual({ problems: [] })
    other.close()
  })
})

describe('a mint that cannot be used', () => {
  it('is refused when it lacks what an escrow needs', async () => {
    mint.be({
      path: '/v1/info',
      do: answer => {
        const nuts = answer.body.nuts as Record<string, unknown>
        delete nuts['11']
        return answer
      },
    })
    await expect(home.wallet.topUp(mint.url, sats(10))).rejects.toMatchObject({
      code: 'payments/mint-unsuitable',
      message: expect.stringContaining('11'),
    })
  })

  it('is refused when its keys do not fit their id', async () => {
    mint.be({
      path: '/v1/keys/',
      do: answer => {
        const [keyset] = answer.body.keysets as { keys: Record<string, string> }[]
        if (keyset) keyset.keys['1'] = keyset.keys['2'] ?? ''
        return answer
      },
    })
    await expect(home.wallet.topUp(mint.url, sats(10))).rejects.toMatchObject({
      code: 'payments/mint-dishonest',
    })
  })

  it('is refused when its invoice asks for more than was agreed', async () => {
    mint.be({
      path: '/v1/mint/quote',
      do: answer => ({ ...answer, body: { ...answer.body, amount: 11 } }),
    })
    await expect(home.wallet.topUp(mint.url, sats(10))).rejects.toMatchObject({
      code: 'payments/mint-dishonest',
    })
  })
})
