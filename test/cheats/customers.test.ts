import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { getDecodedToken, hashToCurve } from '@cashu/cashu-ts'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type LocalRelay, type MintServer, startMint, startRelay } from '../../src/core/localnet/index.ts'
import { type Award, KIND } from '../../src/core/market/index.ts'
import { openDatabase } from '../../src/core/store/index.ts'
import { rowsSpec } from '../../src/core/training/index.ts'
import { bytes, sats, seconds } from '../../src/shared/units.ts'
import { forgedToken, HandMade, strangersKey } from './customer.test-support.ts'
import { type Actor, openStage, type Stage } from './stage.test-support.ts'

// One relay for each case, so that nobody else's bid comes in between; mint, blobs and workers are shared.
let stage: Stage
let otherMint: MintServer
const relays: LocalRelay[] = []
beforeAll(async () => {
  stage = await openStage()
  otherMint = await startMint({ folder: join(stage.folder, 'other-mint') })
})
afterAll(async () => {
  await Promise.all([otherMint, ...relays].map(server => server.close()))
  await stage.close()
})

interface Pair {
  customer: HandMade
  provider: Actor
  /** The same customer with another job. */
  again(): HandMade
}
let pairs = 0
async function pair(): Promise<Pair> {
  const name = `pair-${pairs++}`
  const relay = await startRelay({ folder: join(stage.folder, name) })
  relays.push(relay)
  const provider = await stage.provider(`${name}-provider`, undefined, {
    relays: [relay.url],
    leastLock: seconds(2),
  })
  const { tools } = await stage.customer(`${name}-customer`)
  const again = () => new HandMade(tools, { ...stage.net, relay: relay.url }, randomBytes(16).toString('hex'))
  return { customer: again(), provider, again }
}
const unpaid = ({ customer, provider }: Pair) => {
  const { pubkey } = customer.tools.keyring.identity
  return provider.home.tools.acquaintances.of(pubkey, 'customer').roundsUnpaid
}
/** Long for a machine that is shared with others. */
const eventually = (check: () => void) => vi.waitFor(check, { timeout: 120_000, interval: 100 })

async function markSpent(token: string): Promise<void> {
  const db = openDatabase(stage.net.mintDatabase)
  const keysets = db
    .prepare<{ id: string }>('select id from keyset')
    .all()
    .map(({ id }) => id)
  for (const { id, amount, secret } of getDecodedToken(token, keysets).proofs)
    db.prepare('insert into spent (y, amount, keyset, spent_by) values (?, ?, ?, ?)').run(
      hashToCurve(new TextEncoder().encode(secret)).toHex(true),
      amount.toNumber(),
      id,
      'elsewhere',
    )
  db.close()
}

describe.concurrent('a customer', { timeout: 300_000 }, () => {
  it('that keeps its word is worked for, round after round', async () => {
    const { customer, provider } = await pair()
    await customer.announce().hire()
    expect(await customer.answer()).toMatchObject({ accept: true })
    await customer.sendRound(1)
    expect((await customer.update()).steps).toBe(25)
    customer.verdict(1, { paid: 'full', sats: sats(10) }, 10)
    await customer.sendRound(2)
    expect((await customer.update(1)).steps).toBe(100)
    expect(provider.trained).toBe(2)
    expect(provider.home.tools.wallet.balance().available).toBeGreaterThanOrEqual(10)
  })

  it.each<[string, (c: HandMade) => Promise<unknown>, RegExp]>([
    [
      'is to another provider',
      c => c.sendRound(1, {}, { provider: strangersKey() }),
      /not to exactly the keys/,
    ],
    ['opens too early', c => c.sendRound(1, {}, { locktime: c.tools.now() + 50 }), /opens at/],
    ['holds less than the price', c => c.sendRound(1, {}, { amount: sats(4) }), /10 were agreed/],
    [
      'has one key more',
      c => c.sendRound(1, {}, {}, (_, r) => forgedToken(r, b => b.addLockPubkey(strangersKey()))),
      /not to exactly the keys/,
    ],
    [
      'asks one signature of two',
      c => c.sendRound(1, {}, {}, (_, r) => forgedToken(r, b => b.requireLockSignatures(1))),
      /signatures, not 2/,
    ],
    [
      'was never signed by the mint',
      c => c.sendRound(1, {}, {}, (_, r) => forgedToken(r)),
      /not signed by the mint/,
    ],
    [
      'is of a mint that was not agreed',
      c => c.sendRound(1, {}, {}, (_, r) => forgedToken({ ...r, mint: otherMint.url })),
      /was agreed/,
    ],
    [
      'is spent already',
      c =>
        c.sendRound(1, {}, {}, async token => {
          await markSpent(token)
          return token
        }),
      /already spent/,
    ],
    ['is no token', c => c.sendRound(1, {}, {}, () => 'cashuBnonsense'), /token/],
    ['comes with a full round first', c => c.sendRound(2), /before a first payment it is 25/],
    [
      'is to be redeemed at its very end',
      c => {
        const at = c.tools.now()
        const { locktime } = c.lockRequest(1)
        const times = { startBy: at + 20, deadline: at + 40, releaseBy: at + 45, redeemBy: locktime - 1 }
        return c.sendRound(1, {
          times: {
            startBy: seconds(times.startBy),
            deadline: seconds(times.deadline),
            releaseBy: seconds(times.releaseBy),
            redeemBy: seconds(times.redeemBy),
            locktime: seconds(locktime),
          },
        })
      },
      /ends earlier than the award says/,
    ],
    [
      'comes with a larger shard than was announced',
      async c => c.sendRound(1, { shard: await c.shard(2000) }),
      /at most \d+ were agreed/,
    ],
  ])('whose lock %s is left, in words, before anything is computed', async (_, send, why) => {
    const { customer, provider } = await pair()
    await customer.announce().hire()
    expect(await customer.answer()).toMatchObject({ accept: true })
    await send(customer)
    expect(await customer.left()).toMatchObject({ code: 'error', reason: expect.stringMatching(why) })
    expect(provider.trained).toBe(0)
    expect(customer.heard(KIND.UPDATE) + customer.heard(KIND.PROGRESS)).toBe(0)
  })

  it.each<[string, (award: Award) => Partial<Award>, RegExp]>([
    [
      'a larger model than announced',
      ({ spec }) => ({ spec: rowsSpec.parse({ ...spec, model: { ...spec.model, hidden: [64] } }) }),
      /parameters, more than/,
    ],
    ['larger batches than announced', ({ spec }) => ({ spec: { ...spec, batch: 64 } }), /steps, more than/],
    [
      'more steps than announced',
      () => ({ rounds: [{ round: 1, steps: 400, price: sats(40) }] }),
      /steps, more than the \d+ announced/,
    ],
    [
      'a full first round',
      () => ({ rounds: [{ round: 1, steps: 100, price: sats(40) }] }),
      /first round may have/,
    ],
    ['less than the bid', () => ({ rounds: [{ round: 1, steps: 25, price: sats(3) }] }), /were bid/],
    ['a larger shard', () => ({ shard: { rows: 256, bytes: bytes(1e6) } }), /bytes, more than/],
    ['a mint that was not bid', () => ({ mint: otherMint.url }), /the bid does not name/],
    [
      'a lock that is over too early',
      ({ times }) => ({ times: { ...times, lock: seconds(times.redeem + 1) } }),
      /this provider asks 2 s/,
    ],
  ])('whose award has %s is declined in words', async (_, change, why) => {
    const { customer, provider } = await pair()
    await customer.announce().hire(change)
    expect(await customer.answer()).toMatchObject({ accept: false, reason: expect.stringMatching(why) })
    expect(provider.trained).toBe(0)
  })

  it('that sends rows which are none is left, in words', async () => {
    const { customer, provider } = await pair()
    await customer.announce().hire()
    const path = join(customer.tools.folder(customer.id), 'garbage')
    writeFileSync(path, randomBytes(2000))
    await customer.sendRound(1, { shard: await customer.upload(path, 'garbage') })
    const { code, reason, witnesses } = await customer.left()
    expect({ code, given: witnesses!.length > 0 }).toEqual({ code: 'error', given: true })
    expect(reason).toMatch(/safetensors|header/i)
    expect(provider.trained).toBe(1)
  })

  it('whose next round overtakes its verdict is worked for once it has paid', async () => {
    const { customer, provider } = await pair()
    await customer.announce().hire()
    await customer.sendRound(1)
    await customer.update()
    await customer.sendRound(2)
    await eventually(() => expect(provider.engagements()[0]?.shares[1]?.status).toBe('held'))
    customer.verdict(1, { paid: 'full', sats: sats(10) }, 10)
    expect((await customer.update(1)).steps).toBe(100)
    expect(provider.trained).toBe(2)
  })

  it('that sends the next round and never pays the last one is left at the next one’s deadline, and not worked for again', async () => {
    const { customer, provider, again } = await pair()
    const times = { start: 8, deadline: 10, release: 11, redeem: 12, lock: 60 }
    await customer.announce().hire({ times: times as Award['times'] }) // branded numbers
    await customer.sendRound(1)
    await customer.update()
    const { redeemBy, locktime, releaseBy } = provider.engagements()[0]!.shares[0]!.round.times
    const at = customer.tools.now()
    const soon = { startBy: seconds(at + 1), deadline: seconds(at + 4), releaseBy: seconds(at + 5) }
    await customer.sendRound(2, { times: { ...soon, redeemBy, locktime } })
    expect(await customer.left()).toMatchObject({ reason: 'Round 1 with this customer is not redeemed.' })
    await eventually(() => expect(provider.home.tools.now() > releaseBy).toBe(true))
    again().announce()
    await eventually(() =>
      expect(provider.passed).toEqual(['A round with this customer is not redeemed yet.']),
    )
    expect(provider.trained).toBe(1)
  })

  it('that was replaced under a higher epoch is not obeyed any more', async () => {
    const { customer, provider } = await pair()
    await customer.announce().hire()
    await customer.answer()
    customer.announce({ epoch: 2, status: 'running' })
    await eventually(() => expect(provider.engagements()[0]?.epoch).toBe(2))
    await customer.sendRound(1, { epoch: 1, seed: 11 })
    await customer.sendRound(1, { epoch: 2, seed: 22 })
    await customer.update()
    expect(provider.engagements()[0]?.shares.map(share => share.round.seed)).toEqual([22])
    expect(provider.trained).toBe(1)
  })

  it.each<[string, 'full' | 'none', number, number]>([
    ['says paid and releases nothing', 'full', 10, 0],
    ['says paid and releases a part', 'full', 10, 4],
    ['rejects honest work', 'none', 0, 0],
  ])('that %s gets one short round, and never another', async (_, paid, said, released) => {
    const both = await pair()
    const { customer, provider, again } = both
    await customer.announce().hire()
    await customer.sendRound(1)
    await customer.update()
    customer.verdict(1, { paid, sats: sats(said) }, released)
    expect((await customer.left()).reason).toMatch(/paid/)
    await eventually(() => expect(unpaid(both)).toBe(1))
    again().announce()
    await eventually(() => expect(provider.passed).toEqual(['This customer left a round unpaid before.']))
    expect(provider.trained).toBe(1)
  })

  it('that never releases costs one short round, on record, and is not worked for again', async () => {
    const both = await pair()
    const { customer, provider, again } = both
    const times = { start: 15, deadline: 20, release: 21, redeem: 22, lock: 25 }
    customer.slack = 8
    await customer.announce().hire({ times: times as Award['times'] }) // branded numbers
    await customer.sendRound(1)
    expect((await customer.update()).steps).toBe(25)
    // Another job while the first is owed: declined with the award, passed over once the verdict is overdue.
    const second = await again().announce().hire()
    expect(await second.answer()).toMatchObject({ accept: false })
    const [engagement] = provider.engagements()
    const { releaseBy } = engagement!.shares[0]!.round.times
    await eventually(() => expect(provider.home.tools.now() > releaseBy).toBe(true))
    again().announce()
    await eventually(() =>
      expect(provider.passed).toEqual(['A round with this customer is not redeemed yet.']),
    )
    await eventually(() => expect(unpaid(both)).toBe(1))
    expect(provider.engagements()[0]).toMatchObject({
      end: {
        code: 'unpaid',
        reason: expect.stringMatching(/^No verdict on round 1 before its lock ended\.$/),
      },
    })
    again().announce()
    await eventually(() => expect(provider.passed.at(-1)).toBe('This customer left a round unpaid before.'))
    expect(provider.trained).toBe(1)
  })
})
