import { existsSync, readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { writeTable } from '../../src/core/jobs/home.test-support.ts'
import { engagementsOf, wrongs } from './books.test-support.ts'
import { last, type Market, openMarket } from './market.test-support.ts'

let market: Market
beforeEach(async () => {
  market = await openMarket()
})
afterEach(() => market.close())

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
}, 240_000)
