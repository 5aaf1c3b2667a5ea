import { afterAll, beforeAll, expect, it } from 'vitest'
import { KIND } from '../../src/core/market/index.ts'
import { seconds } from '../../src/shared/units.ts'
import { claiming, publishing } from './bent.test-support.ts'
import {
  type Actor,
  hired,
  type Outcome,
  openStage,
  outcomeOf,
  type Stage,
  stageTimes,
  verdictsOf,
  worksOf,
  writeClouds,
} from './stage.test-support.ts'

// Who accepts and delivers nothing that can be judged; what they hold comes back after T.
let stage: Stage
let outcome: Outcome
let honest: Actor[]
let idle: Actor
let elsewhere: Actor
let phantom: Actor

const silenced: number[] = [KIND.PROGRESS, KIND.UPDATE, KIND.LEAVE]

beforeAll(async () => {
  stage = await openStage()
  const customer = await stage.customer()
  honest = await Promise.all(['a', 'b', 'c'].map(name => stage.provider(name)))
  idle = await stage.provider(
    'idle',
    publishing(event => (silenced.includes(event.kind) ? undefined : event)),
  )
  elsewhere = await stage.provider(
    'elsewhere',
    claiming(update => ({ ...update, round: update.round + 1 })),
  )
  phantom = await stage.provider(
    'phantom',
    claiming(update => {
      const chunks = update.update.chunks.map(chunk => ({ ...chunk, sha256: '0'.repeat(64) }))
      return { ...update, update: { ...update.update, chunks } }
    }),
  )
  const job = await stage.job(customer, {
    dataset: writeClouds(stage.folder, 3000),
    providers: 6,
    rounds: 2,
    times: {
      ...stageTimes,
      start: seconds(25),
      heartbeat: seconds(20),
      round: seconds(30),
      release: seconds(5),
      redeem: seconds(3),
      lock: seconds(11),
    },
  })
  outcome = await outcomeOf(job, [...honest, idle, elsewhere, phantom])
}, 400_000)
afterAll(() => stage.close())

it('trains a good model without them, and pays those who worked in full', () => {
  expect(outcome.end.phase).toBe('done')
  expect(outcome.accuracy).toBeGreaterThan(0.75)
  for (const actor of honest)
    expect(
      verdictsOf(outcome.end, actor).map(({ paid }) => paid),
      actor.name,
    ).toEqual(['full', 'full'])
})

it.each<[string, () => Actor]>([
  ['accepts and idles', () => idle],
  ['signs its update for another round', () => elsewhere],
])('takes back after T what is locked for who %s', (_, who) => {
  const works = worksOf(outcome.end, who())
  expect(works).toHaveLength(1)
  expect(works[0]!.verdict).toBeUndefined()
  expect(works[0]!.lock).toMatchObject({ status: 'settled', released: 0, refunded: works[0]!.lock.locked })
  expect(who().home.tools.wallet.balance().earned).toBe(0)
})

it('says on either side why who accepts and idles is not waited for', () => {
  const why = 'The provider was silent while at work.'
  const dismissed = expect.objectContaining({
    status: 'gone',
    gone: expect.objectContaining({ code: 'silent', reason: why }),
  })
  expect(hired(outcome.end, idle)).toContainEqual(dismissed)
  // What the customer sends it is what it reads; its own words never left.
  const read = expect.objectContaining({ code: 'silent', reason: why, mine: false })
  expect(idle.engagements()).toContainEqual(expect.objectContaining({ end: read }))
})

it('waits for nobody’s blob: it is judged when no server has it by the time the verdict is due', () => {
  const [work, ...more] = worksOf(outcome.end, phantom)
  expect(more).toEqual([])
  const reason = expect.stringContaining('could not be fetched')
  expect(work).toMatchObject({ late: true, verdict: { paid: 'none', used: false, reason } })
  expect(work!.lock.refunded).toBe(work!.lock.locked)
})

it('ends with every ledger agreeing with the mint', () => outcome.books())
