import fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { writeTable } from '../../src/core/jobs/home.test-support.ts'
import { jobsOf, problemsOf, wrongs } from './books.test-support.ts'
import { killedAt, last, type Market, openMarket } from './market.test-support.ts'

/** How often the customer is killed; GRADSTR_KILLS=50 is the whole yardstick, and takes some minutes. */
const kills = Number(process.env.GRADSTR_KILLS ?? 14)
/** Where in the list of moments it begins: the whole yardstick can be gone through in parts. */
const from = Number(process.env.GRADSTR_KILLS_FROM ?? 0)
/** The order of the moments; another one is another test. */
const seed = Number(process.env.GRADSTR_KILLS_SEED ?? 1)
const funded = 2000

let market: Market
beforeEach(async () => {
  market = await openMarket()
})
afterEach(() => market.close())

/** A whole job of this test makes more commits in its home’s database: 128 when it was counted. */
const commits = 100
/**
 * Where the customer dies: just before or just after a commit of its database, counted from the start of its process.
 * Between two commits lies what it does for others: a swap at the mint, an event at a relay, a blob at a server. All of
 * these moments, shuffled, and gone through from the front.
 */
const everyMoment = Array.from({ length: commits }, (_, n) => [`before:${n + 1}`, `after:${n + 1}`]).flat()
const [moments = []] = fc.sample(fc.shuffledSubarray(everyMoment, { minLength: everyMoment.length }), {
  seed,
  numRuns: 1,
})
const drawn = moments.slice(from, from + kills)

it(`ends every job and pays nothing twice though the customer is killed ${kills} times (GRADSTR_KILLS_SEED=${seed}, from ${from})`, async () => {
  expect(drawn).toHaveLength(kills)
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
  for (const moment of drawn) {
    for (let dead = false; !dead; ) {
      const order = await command()
      const ran = market.run(order, { env: killedAt(moment) })
      const { code, stderr } = await ran.end
      dead = ran.child.signalCode === 'SIGKILL'
      if (!dead) expect(code, `${moment}: ${stderr}`).toBe(0)
      // The rest of a job may be over sooner, and the next job begins; a whole one is not.
      expect(dead || order[0] === 'resume', `a whole job did not reach ${moment}`).toBe(true)
      expect(await problemsOf(home), moment).toEqual([])
    }
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
