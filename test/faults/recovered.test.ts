import { existsSync, readdirSync } from 'node:fs'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { writeTable } from '../../src/core/jobs/home.test-support.ts'
import { balanceOf, jobsOf, wrongs } from './books.test-support.ts'
import { killedAt, last, type Market, openMarket } from './market.test-support.ts'

const funded = 500

let market: Market
beforeEach(async () => {
  market = await openMarket()
})
afterEach(() => market.close())

/** What moves only when a home locks, signs away or takes back. */
async function moneyOf(home: string): Promise<number[]> {
  const { available, pendingOut, locked, released, paid } = await balanceOf(home)
  // A release that its provider redeems is paid: that is only noticed here.
  return [available, pendingOut, locked, released + paid]
}

/** A customer that dies where `fact` enters its log; two providers at work; its recovery phrase. */
async function died(fact: string) {
  const [old, ...providers] = await Promise.all([
    market.fund('old', funded),
    market.provider('a'),
    market.provider('b'),
  ])
  const dataset = writeTable(market.at('data'), 240)
  const order = ['--providers', '2', '--rounds', '3', '--out', market.at('old-model')]
  const args = ['train', dataset, '--home', old, ...order, ...market.network()]
  const train = market.run(args, { env: killedAt(`fact:${fact}`) })
  await train.end
  expect(train.child.signalCode).toBe('SIGKILL')
  const { mnemonic } = last(await market.run(['wallet', 'backup', '--home', old]).end)
  const recover = (path = dataset) =>
    market.run(
      ['recover', path, '--home', market.at('new'), '--out', market.at('new-model'), ...market.network()],
      { input: `${mnemonic}\n` },
    )
  return { old, fresh: market.at('new'), providers, recover }
}

it('goes on with a job on a new machine, and the old one, when it comes back, stops and pays nothing', async () => {
  const { old, fresh, providers, recover } = await died('"type":"round-sent".*"round":2')
  const otherData = await recover(writeTable(market.at('other-data'), 200)).end
  expect([otherData.code, last(otherData).code]).toEqual([1, 'job/other-dataset'])
  // Whatever was fetched and encoded for it is gone again.
  expect(readdirSync(`${fresh}/work`).filter(name => name !== 'blobs')).toEqual([])

  const taking = recover()
  // It has the job's state and has said so: from here on it coordinates.
  await taking.event('progress')
  const before = await moneyOf(old)
  const [known] = await jobsOf(old)
  const cancelled = await market.run(['cancel', known!.id, '--home', old]).end
  expect([cancelled.code, last(cancelled).code]).toEqual([1, 'job/fenced'])
  const back = await market.run(['resume', known!.id, '--home', old]).end
  expect(back.code).not.toBe(0)
  expect(back.stderr).toContain('This job goes on elsewhere')
  expect(last(back)).toMatchObject({ type: 'error', code: 'job/fenced' })
  expect(await moneyOf(old)).toEqual(before)

  const ran = await taking.end
  expect(ran.code, ran.stderr).toBe(0)
  expect(last(ran)).toMatchObject({ type: 'result', rounds: 3, out: market.at('new-model') })
  expect(existsSync(market.at('new-model/model.onnx'))).toBe(true)
  expect((await jobsOf(fresh)).map(({ job }) => [job.phase, job.epoch])).toEqual([['done', 2]])
  for (const provider of providers) expect((await provider.leave()).code).toBe(0)
  const homes = providers.map(provider => provider.home)
  const { databasePath: mintDatabase } = market.mint.server
  // The old home's books end where the new one's begin: together with the providers' they hold all that the mint owes.
  expect(await wrongs({ customers: [fresh], providers: homes, mintDatabase })).toEqual([])
}, 600_000)

it('stops the old machine while it is at work, as soon as a new one has taken over', async () => {
  const { old, fresh, providers, recover } = await died('"type":"fetched".*"round":1')
  // Back on its feet, and held where it cannot finish before the other one comes.
  await market.blossom.stop()
  const back = market.run(['resume', '--home', old])
  await back.event('progress')
  await market.blossom.start()
  const taking = recover()
  const stopped = await back.end
  const ran = await taking.end
  expect(ran.code, ran.stderr).toBe(0)
  expect([stopped.code, last(stopped).code]).toEqual([1, 'job/fenced'])
  expect((await jobsOf(fresh)).map(({ job }) => job.phase)).toEqual(['done'])
  for (const provider of providers) expect((await provider.leave()).code).toBe(0)
  const homes = providers.map(provider => provider.home)
  const { databasePath: mintDatabase } = market.mint.server
  expect(await wrongs({ customers: [fresh], providers: homes, mintDatabase })).toEqual([])
}, 600_000)
