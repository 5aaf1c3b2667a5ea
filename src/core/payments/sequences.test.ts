import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sats } from '../../shared/units.ts'
import { startMint } from '../localnet/index.ts'
import {
  fund,
  inAnHour,
  type Keys,
  lockRequest,
  newKeys,
  openHome,
  outstandingAt,
  refundKeys,
  termsOf,
  testFolder,
} from './testing.ts'

type Deed =
  | { do: 'lock'; price: number }
  | { do: 'release'; lock: number; share: number }
  | { do: 'redeem'; lock: number }
  | { do: 'give back'; lock: number }
  | { do: 'settle' }
  | { do: 'reopen' }

const which = fc.nat({ max: 3 })
const deed: fc.Arbitrary<Deed> = fc.oneof(
  fc.record({ do: fc.constant('lock' as const), price: fc.integer({ min: 2, max: 60 }) }),
  fc.record({ do: fc.constant('release' as const), lock: which, share: fc.constantFrom(0, 0.3, 0.7, 1) }),
  fc.record({ do: fc.constant('redeem' as const), lock: which }),
  fc.record({ do: fc.constant('give back' as const), lock: which }),
  fc.record({ do: fc.constant('settle' as const) }),
  fc.record({ do: fc.constant('reopen' as const) }),
)

describe('any sequence of operations', () => {
  it('keeps both ledgers in balance and in agreement with the mint', async () => {
    const folder = testFolder()
    const mint = await startMint({ folder: folder.path })
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(deed, { minLength: 4, maxLength: 9 }), async deeds => {
        const outside = outstandingAt(mint.databasePath)
        const world = await openWorld(folder.path, mint.url, `run-${run++}`)
        for (const one of [{ do: 'lock', price: 20 } as const, ...deeds]) {
          await world.act(one)
          for (const { wallet } of world.homes()) expect((await wallet.audit()).problems).toEqual([])
        }
        await world.act({ do: 'settle' })
        for (const { wallet } of world.homes())
          expect((await wallet.audit({ mints: true })).problems).toEqual([])
        const [c, p] = world.homes().map(home => home.wallet.balance())
        if (!c || !p) throw new Error('two homes')
        expect(c.available + c.locked + c.released + p.available).toBe(
          outstandingAt(mint.databasePath) - outside,
        )
        expect(c.available + c.locked + c.released + c.paid + c.fees).toBe(400)
        expect(p.available + p.fees).toBe(p.earned)
        expect(p.earned).toBe(c.paid)
        for (const home of world.homes()) home.close()
      }),
      { numRuns: 3 },
    )
    await mint.close()
    folder.remove()
  })
})

/** A customer with 400 sat and a provider, and what they can do to each other. Deeds that make no sense do nothing. */
async function openWorld(folder: string, mint: string, name: string) {
  let customer = await openHome(folder, `${name}-c`)
  let provider = await openHome(folder, `${name}-p`)
  await fund(customer, mint, 400)
  const locktime = inAnHour()
  const locks: {
    id: string
    keys: Keys
    price: number
    witnesses: { secret: string; signature: string }[]
  }[] = []

  async function lock(price: number) {
    const [id, keys] = [`lock-${locks.length}`, newKeys()]
    const { token } = await customer.wallet.lock(lockRequest(id, mint, keys, price, locktime))
    const agreed = { ...termsOf(keys, locktime), mint, amount: sats(price) }
    await provider.wallet.receiveLock({ id, token, expect: agreed })
    locks.push({ id, keys, price, witnesses: [] })
  }

  async function act(one: Deed): Promise<void> {
    if (one.do === 'lock') return lock(one.price)
    if (one.do === 'settle') return customer.wallet.settle()
    if (one.do === 'reopen') {
      customer.close()
      provider.close()
      customer = await openHome(folder, `${name}-c`)
      provider = await openHome(folder, `${name}-p`)
      return
    }
    const it = locks[one.lock % locks.length]
    if (!it) return
    const { id, keys } = it
    if (one.do === 'release') {
      const amount = sats(Math.floor(it.price * one.share))
      it.witnesses = customer.wallet.release({ id, amount, secret: keys.customer.secret }).witnesses
    } else if (one.do === 'redeem') {
      const secret = keys.provider.secret
      await provider.wallet.redeem({ id, witnesses: it.witnesses, secret }).catch(error => {
        if (error.code !== 'payments/lock-witness' && error.code !== 'payments/lock-spent') throw error
      })
    } else {
      const witnesses = provider.wallet.giveBack({ id, secret: keys.provider.secret })
      await customer.wallet.refund({ id, keys: refundKeys(keys), witnesses })
    }
  }

  return { act, homes: () => [customer, provider] }
}
