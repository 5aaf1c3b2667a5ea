import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { sats } from '../../shared/units.ts'
import { type MintServer, startMint } from '../localnet/index.ts'
import {
  fund,
  type Home,
  inAnHour,
  lockRequest,
  newKeys,
  openHome,
  outstandingAt,
  refundKeys,
  termsOf,
  testFolder,
} from './testing.ts'

let folder: ReturnType<typeof testFolder>
let mint: MintServer
let customer: Home
let provider: Home
beforeEach(async () => {
  folder = testFolder()
  mint = await startMint({ folder: folder.path })
  customer = await openHome(folder.path, 'customer')
  provider = await openHome(folder.path, 'provider')
})
afterEach(async () => {
  customer.close()
  provider.close()
  await mint.close()
  folder.remove()
})

/** Both ledgers and the mint's books, after everything has come to its end. */
async function expectAgreement() {
  await Promise.all([customer.wallet.settle(), provider.wallet.settle()])
  for (const { wallet } of [customer, provider])
    expect(await wallet.audit({ mints: true })).toEqual({ problems: [] })
  const [c, p] = [customer.wallet.balance(), provider.wallet.balance()]
  expect(c.available + c.locked + c.released + p.available).toBe(outstandingAt(mint.databasePath))
  expect(p.earned).toBe(c.paid)
}

const request = (keys = newKeys(), amount = 100, id = 'round-1', locktime = inAnHour()) => ({
  keys,
  lock: lockRequest(id, mint.url, keys, amount, locktime),
  expect: { ...termsOf(keys, locktime), mint: mint.url, amount: sats(amount) },
})

describe('a round that is paid', () => {
  it('moves the price from the customer to the provider, and every sat is accounted for', async () => {
    await fund(customer, mint.url, 1000)
    const { keys, lock, expect: agreed } = request()
    const locked = await customer.wallet.lock(lock)
    await provider.wallet.receiveLock({ id: 'r', token: locked.token, mints: [mint.url], expect: agreed })
    const { witnesses, amount, net } = customer.wallet.release({
      id: lock.id,
      amount: sats(100),
      secret: keys.customer.secret,
    })
    expect(amount).toBe(locked.amount)
    expect(net).toBe(100)
    const redeemed = await provider.wallet.redeem({ id: 'r', witnesses, secret: keys.provider.secret })
    expect(redeemed.redeemed).toBe(100)
    expect(redeemed.redeemed + redeemed.fee).toBe(locked.amount)
    await customer.wallet.settle()
    expect(customer.wallet.balance()).toMatchObject({
      available: 1000 - locked.amount - locked.fee,
      locked: 0,
      released: 0,
      paid: locked.amount,
      fees: locked.fee,
    })
    expect(provider.wallet.lockState('r')?.state).toBe('redeemed')
    expect(customer.wallet.lockState(lock.id)?.state).toBe('closed')
    await expectAgreement()
  })

  it('releases the whole lock for the whole price, also where the mint’s fees leave more than that in it', async () => {
    const dear = await startMint({ folder: `${folder.path}/dear`, feePpk: 250 })
    await fund(customer, dear.url, 1000)
    // 20 sat in three proofs leave 19 after the fee of one: less would leave 15.
    for (const price of [18, 22, 24]) {
      const [keys, id] = [newKeys(), `price-${price}`]
      const locked = await customer.wallet.lock(lockRequest(id, dear.url, keys, price))
      const released = customer.wallet.release({ id, amount: sats(price), secret: keys.customer.secret })
      expect(released.amount).toBe(locked.amount)
      expect(released.net).toBe(price + 1)
    }
    await dear.close()
  })

  it('pays a part, and the rest comes back at once with the provider’s signatures', async () => {
    await fund(customer, mint.url, 1000)
    const { keys, lock, expect: agreed } = request()
    const locked = await customer.wallet.lock(lock)
    await provider.wallet.receiveLock({ id: 'r', token: locked.token, expect: agreed })
    const released = customer.wallet.release({ id: lock.id, amount: sats(40), secret: keys.customer.secret })
    expect(released.net).toBeGreaterThan(30)
    expect(released.net).toBeLessThanOrEqual(40)
    await provider.wallet.redeem({ id: 'r', witnesses: released.witnesses, secret: keys.provider.secret })
    const witnesses = provider.wallet.giveBack({ id: 'r', secret: keys.provider.secret })
    const back = await customer.wallet.refund({ id: lock.id, keys: refundKeys(keys), witnesses })
    if ('notBefore' in back) throw new Error('not refunded')
    await customer.wallet.settle()
    const { paid, fees, available } = customer.wallet.balance()
    expect(locked.amount).toBe(paid + back.refunded)
    expect(1000 - available).toBe(paid + fees)
    expect(fees).toBe(locked.fee + back.fee)
    await expectAgreement()
  })

  it('does everything once, however often it is asked', async () => {
    await fund(customer, mint.url, 500)
    const { keys, lock, expect: agreed } = request()
    const [one, two] = await Promise.all([customer.wallet.lock(lock), customer.wallet.lock(lock)])
    expect(two).toEqual(one)
    expect(await customer.wallet.lock(lock)).toEqual(one)
    const receive = () => provider.wallet.receiveLock({ id: 'r', token: one.token, expect: agreed })
    await Promise.all([receive(), receive()])
    await receive()
    const release = (amount: number) =>
      customer.wallet.release({ id: lock.id, amount: sats(amount), secret: keys.customer.secret })
    const first = release(50)
    expect(release(100)).toEqual(first)
    const redeem = () =>
      provider.wallet.redeem({ id: 'r', witnesses: first.witnesses, secret: keys.provider.secret })
    const [a, b] = await Promise.all([redeem(), redeem()])
    expect(b).toEqual(a)
    expect(await redeem()).toEqual(a)
    const witnesses = provider.wallet.giveBack({ id: 'r', secret: keys.provider.secret })
    const refund = () => customer.wallet.refund({ id: lock.id, keys: refundKeys(keys), witnesses })
    const [c, d] = await Promise.all([refund(), refund()])
    expect(d).toEqual(c)
    expect(await refund()).toEqual(c)
    await expectAgreement()
  })

  it('locks with many providers at once out of one large proof', async () => {
    await fund(customer, mint.url, 1024)
    const all = Array.from({ length: 6 }, (_, i) => request(newKeys(), 50, `round-${i}`))
    const locked = await Promise.all(all.map(({ lock }) => customer.wallet.lock(lock)))
    expect(customer.wallet.balance().locked).toBe(locked.reduce((sum, l) => sum + l.amount, 0))
    await expectAgreement()
  })
})

describe('a lock that is not earned', () => {
  it('waits for its time when the provider is silent, and comes back by the refund key', async () => {
    // The mint goes by the real clock, on which the lock is open already; the wallet by this one.
    const opened = Math.floor(Date.now() / 1000) - 60
    let clock = opened - 1
    customer.close()
    customer = await openHome(folder.path, 'customer', { now: () => clock })
    await fund(customer, mint.url, 500)
    const { keys, lock } = request(newKeys(), 100, 'round-1', opened)
    const locked = await customer.wallet.lock(lock)
    const refund = () => customer.wallet.refund({ id: lock.id, keys: refundKeys(keys) })
    expect(await refund()).toEqual({ notBefore: opened })
    clock = opened
    expect(await refund()).toMatchObject({ refunded: locked.amount })
    expect(customer.wallet.balance().locked).toBe(0)
    await expectAgreement()
  })

  it('is asked for again later when the mint’s clock is behind', async () => {
    let clock = Math.floor(Date.now() / 1000)
    customer.close()
    customer = await openHome(folder.path, 'customer', { now: () => clock })
    await fund(customer, mint.url, 500)
    const { keys, lock } = request()
    await customer.wallet.lock(lock)
    clock = lock.locktime + 1
    expect(await customer.wallet.refund({ id: lock.id, keys: refundKeys(keys) })).toEqual({
      notBefore: clock + 60,
    })
    expect(customer.wallet.lockState(lock.id)?.state).toBe('locked')
    await expectAgreement()
  })

  it('is not refunded on signatures that are not the provider’s', async () => {
    await fund(customer, mint.url, 500)
    const { keys, lock, expect: agreed } = request()
    const { token } = await customer.wallet.lock(lock)
    await provider.wallet.receiveLock({ id: 'r', token, expect: agreed })
    const witnesses = provider.wallet
      .giveBack({ id: 'r', secret: keys.provider.secret })
      .map(w => ({ ...w, signature: 'ab'.repeat(64) }))
    expect(await customer.wallet.refund({ id: lock.id, keys: refundKeys(keys), witnesses })).toEqual({
      notBefore: lock.locktime,
    })
  })

  it('never takes back what was released, not even after the locktime', async () => {
    let clock = Math.floor(Date.now() / 1000)
    customer.close()
    customer = await openHome(folder.path, 'customer', { now: () => clock })
    await fund(customer, mint.url, 500)
    const { keys, lock } = request()
    await customer.wallet.lock(lock)
    customer.wallet.release({ id: lock.id, amount: sats(100), secret: keys.customer.secret })
    clock = lock.locktime + 29 * 86_400
    expect(await customer.wallet.refund({ id: lock.id, keys: refundKeys(keys) })).toEqual({
      refunded: 0,
      fee: 0,
    })
    expect(customer.wallet.lockState(lock.id)?.state).toBe('released')
  })
})

describe('what a wallet refuses to spend', () => {
  it('more than the job’s cap, with the fees counted, and it counts what came back', async () => {
    await fund(customer, mint.url, 1000)
    const first = request(newKeys(), 100, 'a')
    const locked = await customer.wallet.lock({ ...first.lock, cap: sats(150) })
    const second = request(newKeys(), 100, 'b')
    await expect(customer.wallet.lock({ ...second.lock, cap: sats(150) })).rejects.toMatchObject({
      code: 'payments/cap',
    })
    const exact = locked.amount + locked.fee
    await expect(customer.wallet.lock({ ...second.lock, cap: sats(2 * exact - 1) })).rejects.toMatchObject({
      code: 'payments/cap',
    })
    await customer.wallet.lock({ ...second.lock, cap: sats(2 * exact) })
    await expectAgreement()
  })

  it('more than the limits per round, per job and per day', async () => {
    const limited = async (limits: Record<string, number>, name: string) => {
      const home = await openHome(folder.path, name, {
        limits: Object.fromEntries(Object.entries(limits).map(([key, value]) => [key, sats(value)])),
      })
      await fund(home, mint.url, 500)
      const attempt = (id: string) => home.wallet.lock(request(newKeys(), 100, id).lock)
      return { home, attempt }
    }
    const round = await limited({ perRound: 100 }, 'round')
    await expect(round.attempt('a')).rejects.toMatchObject({ code: 'payments/limit-round' })
    const job = await limited({ perJob: 150 }, 'job')
    await job.attempt('a')
    await expect(job.attempt('b')).rejects.toMatchObject({ code: 'payments/limit-job' })
    const day = await limited({ perDay: 150 }, 'day')
    await day.attempt('a')
    await expect(day.attempt('b')).rejects.toMatchObject({ code: 'payments/limit-day' })
    for (const { home } of [round, job, day]) home.close()
  })

  it('more than it has, and says how much is missing', async () => {
    await fund(customer, mint.url, 50)
    await expect(customer.wallet.lock(request().lock)).rejects.toMatchObject({
      code: 'payments/not-enough',
      message: expect.stringContaining('50 sat are available'),
    })
    expect(customer.wallet.balance()).toMatchObject({ available: 50, pendingOut: 0 })
  })

  it('the same id with other terms', async () => {
    await fund(customer, mint.url, 500)
    const { lock } = request()
    await customer.wallet.lock(lock)
    await expect(customer.wallet.lock({ ...lock, amount: sats(101) })).rejects.toMatchObject({
      code: 'payments/lock-conflict',
    })
  })
})

describe('Lightning', () => {
  it('lets one wallet pay another through the mint, once', async () => {
    await fund(customer, mint.url, 300)
    const port = Number(new URL(mint.url).port)
    await mint.close()
    mint = await startMint({ folder: folder.path, port, payAfterMs: null })
    const { invoice, paid } = await provider.wallet.topUp(mint.url, sats(120))
    const quoted = await customer.wallet.quoteWithdrawal(mint.url, invoice)
    expect(quoted.amount).toBe(120)
    const [first, again] = await Promise.all([
      customer.wallet.withdraw(mint.url, invoice),
      customer.wallet.withdraw(mint.url, invoice),
    ])
    expect(again).toEqual(first)
    expect(first).toMatchObject({ paid: 120, preimage: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(await customer.wallet.withdraw(mint.url, invoice)).toEqual(first)
    expect(await paid).toBe(120)
    expect(customer.wallet.balance()).toMatchObject({ available: 300 - 120 - first.fee, pendingOut: 0 })
    expect(provider.wallet.balance().available).toBe(120)
    await expectAgreement()
  })

  it('refuses what is no invoice, and an amount that is none', async () => {
    await expect(customer.wallet.withdraw(mint.url, 'lnbc1')).rejects.toMatchObject({
      code: 'payments/invoice',
    })
    await expect(customer.wallet.topUp(mint.url, 1.5 as never)).rejects.toMatchObject({
      code: 'payments/amount',
    })
    await expect(customer.wallet.topUp('not a url', sats(1))).rejects.toMatchObject({
      code: 'payments/mint-url',
    })
  })
})

describe('the mnemonic', () => {
  it('brings the balance back on a new machine, and counters go on beyond what was used', async () => {
    await fund(customer, mint.url, 777)
    await customer.wallet.lock(request().lock)
    const { available } = customer.wallet.balance()
    customer.close()
    const { path } = folder
    const fresh = testFolder()
    const found = await openHome(fresh.path, 'customer')
    expect(await found.wallet.restore({ mints: [mint.url] })).toEqual({ found: available, locks: 0 })
    expect(await found.wallet.restore({ mints: [mint.url] })).toEqual({ found: 0, locks: 0 })
    expect(found.wallet.balance().available).toBe(available)
    await found.wallet.lock(request(newKeys(), 50, 'next').lock)
    expect(await found.wallet.audit({ mints: true })).toEqual({ problems: [] })
    found.close()
    fresh.remove()
    customer = await openHome(path, 'customer')
  })

  it('with the job’s backup also brings open locks back, which can then be released and refunded', async () => {
    await fund(customer, mint.url, 777)
    const { keys, lock, expect: agreed } = request()
    const locked = await customer.wallet.lock(lock)
    await provider.wallet.receiveLock({ id: 'r', token: locked.token, expect: agreed })
    const backup = JSON.parse(JSON.stringify(customer.wallet.backup('job')))
    const { available } = customer.wallet.balance()
    const fresh = testFolder()
    const found = await openHome(fresh.path, 'customer')
    expect(await found.wallet.restore({ mints: [mint.url], backup })).toEqual({ found: available, locks: 1 })
    expect(found.wallet.balance()).toMatchObject({ available, locked: locked.amount })
    const { witnesses } = found.wallet.release({
      id: lock.id,
      amount: sats(60),
      secret: keys.customer.secret,
    })
    await provider.wallet.redeem({ id: 'r', witnesses, secret: keys.provider.secret })
    const given = provider.wallet.giveBack({ id: 'r', secret: keys.provider.secret })
    await found.wallet.refund({ id: lock.id, keys: refundKeys(keys), witnesses: given })
    await found.wallet.settle()
    expect(await found.wallet.audit({ mints: true })).toEqual({ problems: [] })
    expect(found.wallet.lockState(lock.id)?.state).toBe('closed')
    found.close()
    fresh.remove()
  })

  it('makes an old machine that comes back notice what the new one did', async () => {
    await fund(customer, mint.url, 400)
    const fresh = testFolder()
    const second = await openHome(fresh.path, 'customer')
    await second.wallet.restore({ mints: [mint.url] })
    await second.wallet.lock(request(newKeys(), 100, 'second').lock)
    // The old machine still believes in its proofs and uses the same counters.
    await customer.wallet.lock(request(newKeys(), 100, 'first').lock).catch(() => {})
    await customer.wallet.settle()
    await customer.wallet.restore({ mints: [mint.url] })
    expect(await customer.wallet.audit({ mints: true })).toEqual({ problems: [] })
    second.close()
    fresh.remove()
  })

  it('refuses a backup that is none', async () => {
    await expect(
      customer.wallet.restore({ mints: [], backup: { v: 1, counters: {}, locks: [{}], operations: [] } }),
    ).rejects.toMatchObject({ code: 'payments/backup' })
  })
})
