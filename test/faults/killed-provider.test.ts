import { afterEach, beforeEach, expect, it } from 'vitest'
import { writeTable } from '../../src/core/jobs/home.test-support.ts'
import { allWorks } from '../../src/core/jobs/index.ts'
import { balanceOf, jobsOf, wrongs } from './books.test-support.ts'
import { ahead, killedAt, last, type Market, openMarket } from './market.test-support.ts'

/** Beyond the locktime of a lock that a job on this machine makes now, in seconds. */
const beyondLock = 600
const funded = 500

let market: Market
beforeEach(async () => {
  market = await openMarket()
})
afterEach(() => market.close())

it('replaces a provider that is killed in mid-round, ends the job, and has its lock back after T', async () => {
  // The first that has its data, whoever of the three that is.
  const env = killedAt('fact:"type":"fetched","round":1', market.at('killed'))
  const [home, ...providers] = await Promise.all([
    market.fund('customer', funded),
    ...['a', 'b', 'c'].map(name => market.provider(name, { env })),
  ])
  const dataset = writeTable(market.at('data'), 240)
  const order = ['--providers', '2', '--rounds', '2', '--out', market.at('model')]
  const train = market.run(['train', dataset, '--home', home, ...order, ...market.network()])
  const killed = await Promise.race(providers.map(provider => provider.end.then(() => provider)))
  expect(killed.child.signalCode).toBe('SIGKILL')
  const others = providers.filter(provider => provider !== killed)

  // The model is there; what waits is the dead provider's lock.
  const job = async () => (await jobsOf(home))[0]!.job
  await expect.poll(async () => (await job()).phase, { timeout: 240_000, interval: 500 }).toBe('done')
  const done = await job()
  const worksOf = ({ pubkey }: { pubkey: string }) =>
    allWorks(done).filter(({ engagement }) => engagement.bid.provider === pubkey)
  const verdictsOf = (round: number) =>
    others.map(other => worksOf(other).find(({ work }) => work.round === round)?.work.verdict?.paid)
  const [dead, ...more] = worksOf(killed)
  expect(more).toEqual([])
  expect(dead?.work).toMatchObject({ round: 1, lock: { status: 'open' } })
  expect(dead?.engagement.gone?.code).toBe('silent')
  // One of the others stayed, the other one took the place of the dead.
  expect(verdictsOf(2)).toEqual(['full', 'full'])
  const { lock } = dead!.work
  train.child.kill('SIGINT')
  const stopped = await train.end
  expect(stopped.code).toBe(130)
  const [archived] = await jobsOf(home)
  const advice = `\`gradstr resume ${archived!.id.slice(0, 8)}\` goes on with this job; ${lock.locked} sats are in its locks.`
  expect(last(stopped)).toMatchObject({ type: 'error', code: 'interrupted', fix: advice })
  expect(stopped.stderr).toContain(`Stopped. ${advice}`)
  expect(await balanceOf(home)).toMatchObject({ locked: lock.locked })

  market.leap(beyondLock)
  const ran = await market.run(['resume', '--home', home], { env: ahead(beyondLock) }).end
  expect(ran.code, ran.stderr).toBe(0)
  const { locked, paid, refunded } = last(ran).sats as Record<string, number>
  expect(refunded).toBe(lock.locked)
  expect(locked).toBe(paid! + refunded!)
  for (const provider of others) expect((await provider.leave()).code).toBe(0)
  const homes = providers.map(provider => provider.home)
  const { databasePath: mintDatabase } = market.mint.server
  expect(await wrongs({ customers: [home], providers: homes, mintDatabase, funded })).toEqual([])
}, 600_000)
