import { existsSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type Fault,
  type FaultyProxy,
  startFaultyProxy,
} from '../../src/core/blobs/faulty-proxy.test-support.ts'
import { writeTable } from '../../src/core/jobs/home.test-support.ts'
import { wrongs } from './books.test-support.ts'
import { last, type Market, openMarket, type Provider } from './market.test-support.ts'

const funded = 500
const enough = 600_000

let market: Market
const proxies: FaultyProxy[] = []
beforeEach(async () => {
  market = await openMarket()
})
afterEach(async () => {
  for (const proxy of proxies.splice(0)) await proxy.close()
  await market.close()
})

const inFrontOf = async (server: { url: string }): Promise<FaultyProxy> => {
  const proxy = await startFaultyProxy(server.url)
  proxies.push(proxy)
  return proxy
}

/** A customer with sats and two providers, then its job of two rounds; `meanwhile` is what goes wrong. */
async function trained(meanwhile: (providers: Provider[]) => Promise<void> = async () => {}) {
  const [home, ...providers] = await Promise.all([
    market.fund('customer', funded),
    market.provider('a'),
    market.provider('b'),
  ])
  const dataset = writeTable(market.at('data'), 240)
  const order = ['--providers', '2', '--rounds', '2', '--out', market.at('model')]
  const train = market.run(['train', dataset, '--home', home, ...order, ...market.network()])
  const [ran] = await Promise.all([train.end, meanwhile(providers)])
  expect(ran.code, ran.stderr).toBe(0)
  expect(last(ran)).toMatchObject({ type: 'result', rounds: 2 })
  expect(existsSync(market.at('model/model.onnx'))).toBe(true)
  for (const provider of providers) expect((await provider.leave()).code).toBe(0)
  const homes = providers.map(provider => provider.home)
  const { databasePath: mintDatabase } = market.mint.server
  expect(await wrongs({ customers: [home], providers: homes, mintDatabase, funded })).toEqual([])
  return { ran, providers }
}

describe('a job ends, and no sat is lost', () => {
  it(
    'when the relay restarts again and again while events are under way',
    async () => {
      const { ran } = await trained(async ([a, b]) => {
        const is = (status: string, round: number) => (event: Record<string, unknown>) =>
          event.status === status && event.round === round
        const restart = async () => {
          await market.relay.stop()
          await market.relay.start()
        }
        // At the award, and while round 1 is on its way.
        await a!.engaged(({ phase }) => phase === 'waiting')
        await restart()
        await b!.engaged(({ phase }) => phase === 'engaged')
        await restart()
        // Down while both finish: their updates wait in the outbox.
        await Promise.all([a!.engaged(is('training', 1)), b!.engaged(is('training', 1))])
        await market.relay.stop()
        await Promise.all([a!.engaged(is('sent', 1)), b!.engaged(is('sent', 1))])
        await market.relay.start()
        // While verdicts come.
        await a!.engaged(is('redeeming', 1))
        await restart()
        await b!.engaged(is('checking', 2))
        await restart()
      })
      expect((last(ran).sats as Record<string, number>).refunded).toBe(0)
    },
    enough,
  )

  it(
    'when one of two Blossom servers corrupts, cuts, shortens, stalls, fails and lies',
    async () => {
      const proxy = await inFrontOf(market.blossom)
      const good = await market.moreBlossom()
      market.urls.blossoms = [proxy.url, good.url]
      const faults: Record<string, Fault[]> = {
        // Each process asks it once or twice, and then the good one first.
        GET: [{ kind: 'corrupt' }, { kind: 'stall' }, { kind: 'short' }, { kind: 'cut' }],
        PUT: [{ kind: 'misreport' }, { kind: 'answer', status: 500 }, { kind: 'cut' }, { kind: 'stall' }],
        DELETE: [{ kind: 'stall' }],
      }
      const used = new Map<string, number>()
      proxy.fault = ({ method = '' }) => {
        const known = faults[method]
        const n = used.get(method) ?? 0
        used.set(method, n + 1)
        // Two of three uploads come through, so that there is something to spoil on the way down.
        if (method === 'PUT' && n % 3 !== 2) return undefined
        return known?.[(method === 'PUT' ? (n / 3) | 0 : n) % known.length]
      }
      await trained()
      expect(used.get('GET')).toBeGreaterThan(2)
      expect(used.get('PUT')).toBeGreaterThan(4)
    },
    enough,
  )

  it(
    'when the mint breaks off in the middle of a swap and is down for a while, twice',
    async () => {
      const proxy = await inFrontOf(market.mint)
      market.urls.mint = proxy.url
      /** Each begins with the next swap: it is made and its answer lost, and so many requests fail before the mint is back. */
      const outages = [{ failures: 3 }, { failures: 3 }]
      let outage: { failures: number } | undefined = outages.shift()
      let failed = 0
      proxy.fault = async ({ url }) => {
        if (!outage || (failed === 0 && url !== '/v1/swap')) return undefined
        if (failed++ === 0) return { kind: 'cut' }
        await market.mint.stop()
        if (failed <= outage.failures) return { kind: 'answer', status: 503 }
        await market.mint.start()
        failed = 0
        outage = undefined
        return undefined
      }
      await trained(async ([a]) => {
        // The first swap was the customer's, for a lock; the next outage hits who redeems.
        await a!.engaged(({ status, round }) => status === 'training' && round === 1)
        expect(outage).toBe(undefined)
        outage = outages.shift()
      })
      expect([outages, outage]).toEqual([[], undefined])
    },
    enough,
  )
})
