import { afterEach, beforeEach, expect, it } from 'vitest'
import { writeTable } from '../../src/core/jobs/home.test-support.ts'
import { allWorks } from '../../src/core/jobs/index.ts'
import { balanceOf, jobsOf, wrongs } from './books.test-support.ts'
import { last, type Market, openMarket } from './market.test-support.ts'

let market: Market
beforeEach(async () => {
  market = await openMarket()
})
afterEach(() => market.close())

it('pauses on Ctrl-C: the round under way ends and is paid, nothing stays locked, and the job goes on later', async () => {
  const [home, ...providers] = await Promise.all([
    market.fund('customer', 500),
    market.provider('a'),
    market.provider('b'),
  ])
  const dataset = writeTable(market.at('data'), 240)
  const order = ['--providers', '2', '--rounds', '3', '--out', market.at('model')]
  const train = market.run(['train', dataset, '--home', home, ...order, ...market.network()])
  await Promise.all(providers.map(provider => provider.engaged(({ status }) => status === 'training')))
  train.child.kill('SIGINT')
  expect((await train.end).code).toBe(130)

  const { job } = (await jobsOf(home))[0]!
  const parts = allWorks(job)
  // On a busy machine the first round may be over before the customer hears Ctrl-C.
  const round = job.weights.length - 1
  expect([1, 2]).toContain(round)
  expect(parts.map(({ work }) => work.verdict?.paid)).toEqual(Array(2 * round).fill('full'))
  expect(Object.values(job.engagements).map(({ gone }) => gone?.code)).toEqual(['pause', 'pause'])
  expect(await balanceOf(home)).toMatchObject({ locked: 0 })
  const listed = last(await market.run(['jobs', '--home', home]).end)
  expect(listed).toMatchObject({ bought: [{ phase: 'paused', round, rounds: 3 }] })

  const ran = await market.run(['resume', '--home', home]).end
  expect(ran.code, ran.stderr).toBe(0)
  expect(last(ran)).toMatchObject({ type: 'result', rounds: 3 })
  for (const provider of providers) expect((await provider.leave()).code).toBe(0)
  const homes = providers.map(provider => provider.home)
  const { databasePath: mintDatabase } = market.mint.server
  expect(await wrongs({ customers: [home], providers: homes, mintDatabase, funded: 500 })).toEqual([])
}, 240_000)
