import { existsSync, readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { writeTable } from '../../src/core/jobs/home.test-support.ts'
import { KIND } from '../../src/core/market/index.ts'
import { openDatabase } from '../../src/core/store/index.ts'
import { engagementsOf, wrongs } from './books.test-support.ts'
import { ahead, last, type Market, openMarket } from './market.test-support.ts'

let market: Market
beforeEach(async () => {
  market = await openMarket()
})
afterEach(() => market.close())

/** Beyond every lock and every bid of a job on this machine, in seconds. */
const later = 2 * 3600

/** Updates that the relay has and gives out. */
function updatesAtRelay(): number {
  const db = openDatabase(market.at('relay/relay.db'))
  try {
    return db.prepare<{ n: number }>('select count(*) n from event where kind = ?').get(KIND.UPDATE)?.n ?? 0
  } finally {
    db.close()
  }
}

it('trains with strangers who meet the customer only through separately running servers', async () => {
  const [home, ...providers] = await Promise.all([
    market.fund('customer', 500),
    market.provider('a'),
    market.provider('b'),
  ])
  const dataset = writeTable(market.at('data'), 240)
  const out = market.at('model')
  const args = ['train', dataset, '--providers', '2', '--rounds', '2', '--home', home, '--out', out]
  const ran = await market.run([...args, ...market.network()]).end
  expect(ran.code, ran.stderr).toBe(0)
  const result = last(ran)
  expect(result).toMatchObject({ type: 'result', rounds: 2, providers: 2, out })
  expect(existsSync(market.at('model/model.onnx'))).toBe(true)
  expect(JSON.parse(readFileSync(market.at('model/report.json'), 'utf8')).metrics.accuracy).toBeGreaterThan(
    0.8,
  )

  const { quoted, locked, paid, refunded, fees, balance } = result.sats as Record<string, number>
  expect(locked).toBe(paid! + refunded!)
  expect(balance).toBe(500 - paid! - fees!)
  expect(paid! + fees!).toBeLessThanOrEqual(quoted!)
  for (const provider of providers) expect((await provider.leave()).code).toBe(0)
  const homes = providers.map(provider => provider.home)
  const { databasePath: mintDatabase } = market.mint.server
  expect(await wrongs({ customers: [home], providers: homes, mintDatabase, funded: 500 })).toEqual([])
  // Each of them was paid for both rounds, and nobody made a practice network of its own.
  for (const provider of homes) {
    const [engagement] = await engagementsOf(provider)
    expect(engagement?.shares.map(share => share.verdict?.paid)).toEqual(['full', 'full'])
  }
  for (const folder of [home, ...homes]) expect(existsSync(`${folder}/practice`)).toBe(false)

  // Much later, at its next start, a provider asks back what nobody needs any more.
  expect(updatesAtRelay()).toBe(4)
  market.leap(later)
  const again = await market.provider('a', { env: ahead(later) })
  await expect.poll(updatesAtRelay, { timeout: 20_000 }).toBe(2)
  expect((await again.leave()).code).toBe(0)
}, 240_000)
