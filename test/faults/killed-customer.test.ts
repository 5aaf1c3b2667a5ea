import { afterEach, beforeEach, expect, it } from 'vitest'
import { writeTable } from '../../src/core/jobs/home.test-support.ts'
import { jobsOf, problemsOf, wrongs } from './books.test-support.ts'
import { killedAt, last, type Market, openMarket } from './market.test-support.ts'

/** How often the customer is killed; GRADSTR_KILLS=50 is the whole yardstick, and takes some minutes. */
const kills = Number(process.env.GRADSTR_KILLS ?? 14)
/** Where in the list of moments it begins: the whole yardstick can be gone through in parts. */
const from = Number(process.env.GRADSTR_KILLS_FROM ?? 0)
const funded = 2000

let market: Market
beforeEach(async () => {
  market = await openMarket()
})
afterEach(() => market.close())

/**
 * Where the customer dies: just before or just after a commit of its database, counted from the start of its process.
 * Between two commits lies what it does for others: a swap at the mint, an event at a relay, a blob at a server. The
 * steps differ, so that over the kills the moments spread over the whole job.
 */
const moment = (n: number): string => `${n % 2 === 0 ? 'before' : 'after'}:${12 + ((n * 29) % 53)}`

it(`ends every job and pays nothing twice though the customer is killed ${kills} times`, async () => {
  const [home, ...providers] = await Promise.all([
    market.fund('customer', funded),
    market.provider('a'),
    market.provider('b'),
  ])
  const dataset = writeTable(market.at('data'), 240)
  const lastJob = async () => (await jobsOf(home))[0]
  let jobs = 0
  const command = async (): Promise<string[]> => {
    const under = await lastJob()
    if (under && !under.closed) return ['resume', '--home', home]
    const out = market.at(`model-${++jobs}`)
    const order = ['--providers', '2', '--rounds', '2', '--out', out, ...market.network()]
    return ['train', dataset, '--home', home, ...order]
  }
  for (let killed = 0; killed < kills; ) {
    const ran = market.run(await command(), { env: killedAt(moment(from + killed)) })
    const { code, stderr } = await ran.end
    if (ran.child.signalCode === 'SIGKILL') killed++
    else expect(code, stderr).toBe(0)
    expect(await problemsOf(home)).toEqual([])
  }
  // The last one goes on to its end.
  if (!(await lastJob())?.closed) {
    const ran = await market.run(await command()).end
    expect(ran.code, ran.stderr).toBe(0)
    expect(last(ran)).toMatchObject({ type: 'result', rounds: 2 })
  }
  for (const { job, closed } of await jobsOf(home)) expect([job.phase, closed]).toEqual(['done', true])
  for (const provider of providers) expect((await provider.leave()).code).toBe(0)
  const { databasePath: mintDatabase } = market.mint.server
  const homes = providers.map(provider => provider.home)
  expect(await wrongs({ customers: [home], providers: homes, mintDatabase, funded })).toEqual([])
}, 3_600_000)
