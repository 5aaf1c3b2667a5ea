import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { writeTable } from '../../src/core/jobs/home.test-support.ts'
import { KIND, wire } from '../../src/core/market/index.ts'
import { readEvent } from '../../src/core/nostr/index.ts'
import { openDatabase } from '../../src/core/store/index.ts'
import { balanceOf } from './books.test-support.ts'
import { killedAt, last, type Market, openMarket } from './market.test-support.ts'

let market: Market
beforeEach(async () => {
  market = await openMarket()
})
afterEach(() => market.close())

/** Every receipt that the relay holds, by its author. */
function receipts() {
  const db = openDatabase(join(market.at('relay'), 'relay.db'))
  try {
    return db
      .prepare<{ body: string }>('select body from event where kind = ?')
      .all(KIND.RECEIPT)
      .map(({ body }) => readEvent(JSON.parse(body)))
      .map(event => ({ author: event.pubkey, ...wire.receipt.parse(event) }))
  } finally {
    db.close()
  }
}

it('publishes one receipt by each side that agreed, though both are killed while they do', async () => {
  const willing = { args: ['--receipts'] }
  const [home, a, b] = await Promise.all([
    market.fund('customer', 500),
    market.provider('a', { ...willing, env: killedAt('fact:"type":"cleaned"') }),
    market.provider('b'),
  ])
  const dataset = writeTable(market.at('data'), 240)
  const order = ['--providers', '2', '--rounds', '2', '--receipts', '--out', market.at('model')]
  const train = market.run(['train', dataset, '--home', home, ...order, ...market.network()], {
    env: killedAt('fact:"type":"receipt-published"'),
  })
  await train.end
  // The good-bye that lets the provider go may not have left the customer before it was killed.
  const resumed = await market.run(['resume', '--home', home]).end
  await a.end
  expect([train.child.signalCode, a.child.signalCode]).toEqual(['SIGKILL', 'SIGKILL'])
  expect(resumed.code, resumed.stderr).toBe(0)
  expect(last(resumed)).toMatchObject({ type: 'result', rounds: 2 })
  const again = await market.provider('a', willing)
  await expect.poll(() => receipts().length, { timeout: 20_000 }).toBe(2)
  for (const provider of [again, b]) expect((await provider.leave()).code).toBe(0)

  const { available } = await balanceOf(again.home)
  const [customers, providers] = ['customer', 'provider'].map(role =>
    receipts().find(receipt => receipt.role === role),
  )
  expect(receipts()).toHaveLength(2)
  expect(providers).toMatchObject({ author: a.pubkey, asked: 2, delivered: 2, paid: 2, redeemed: available })
  // Each names the other, and they agree in everything else.
  expect(customers).toEqual({
    ...providers,
    role: 'customer',
    author: providers!.counterparty,
    counterparty: a.pubkey,
  })
}, 240_000)
