import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import type { CustomerJob } from '../../src/core/jobs/index.ts'
import { wire } from '../../src/core/market/index.ts'
import { f32, parameters, writeSafetensors } from '../../src/core/training/index.ts'
import { seconds } from '../../src/shared/units.ts'
import { afterTraining, claiming, renumbered, replacedBy } from './bent.test-support.ts'
import {
  type Actor,
  type Outcome,
  openStage,
  outcomeOf,
  type Stage,
  verdictsOf,
  worksOf,
  writeClouds,
} from './stage.test-support.ts'

// One job, eight providers: four who work, four whose update is no update.
let stage: Stage
let outcome: Outcome
let honest: Actor[]
let nan: Actor
let shapes: Actor
let garbage: Actor
let giant: Actor
let boaster: Actor
let log: { id: string; fact: { type: string } }[]
let stranger: string

beforeAll(async () => {
  stage = await openStage()
  const customer = await stage.customer()
  honest = await Promise.all(['a', 'b', 'c'].map(name => stage.provider(name)))
  let numbers = 0
  nan = await stage.provider(
    'nan',
    renumbered(x => (numbers++ === 5 ? Number.NaN : x)),
  )
  shapes = await stage.provider(
    'shapes',
    afterTraining(async (path, { spec }) => {
      const turned = parameters(spec).map(({ name, shape }) => {
        const size = shape.reduce((product, d) => product * d, 1)
        return [name, f32(shape.toReversed(), new Float32Array(size).fill(1e-3))] as const
      })
      await writeSafetensors(path, new Map(turned))
    }),
  )
  garbage = await stage.provider(
    'garbage',
    replacedBy(() => randomBytes(20_000)),
  )
  giant = await stage.provider(
    'giant',
    replacedBy(() => randomBytes(2_000_000)),
  )
  boaster = await stage.provider(
    'boaster',
    claiming(update => ({ ...update, steps: update.steps * 1000 })),
  )
  const job = await stage.job(customer, {
    dataset: writeClouds(stage.folder, 3000),
    providers: 8,
    rounds: 2,
  })
  stranger = await meddle(job.running.runner, customer.tools.keyring.job(job.id).pubkey)
  outcome = await outcomeOf(job, [...honest, nan, shapes, garbage, giant, boaster])
  log = customer.tools.journal.log(job.id)
}, 400_000)
afterAll(() => stage.close())

/** A stranger who has found out the award of an honest provider speaks to J about it, by its own key. */
async function meddle(runner: { state: CustomerJob }, j: string): Promise<string> {
  const victim = await vi.waitFor(
    () => {
      const found = Object.values(runner.state.engagements).find(e => e.works[0]?.status === 'sent')
      if (!found) throw new Error('no round was sent')
      return found
    },
    { timeout: 120_000, interval: 20 },
  )
  const { tools } = await stage.home('stranger')
  const at = tools.now()
  const to = { from: tools.keyring.identity, to: j, at, expiration: seconds(at + 3600) }
  const about = { award: victim.award!, round: 1 }
  const manifest = victim.shard!
  const words = [
    wire.answer.seal({ award: victim.award!, accept: false, code: 'x', reason: 'Not me.' }, to),
    wire.leave.seal({ ...about, code: 'error', reason: 'It leaves.', witnesses: [] }, to),
    wire.update.seal({ ...about, update: manifest, losses: [], checkpoints: [], steps: 25 }, to),
    wire.progress.seal({ ...about, step: 1, steps: 25, loss: 1, secondsLeft: seconds(1) }, to),
  ]
  for (const event of words) tools.relays.publish(event, [stage.net.relay])
  expect(await tools.relays.flush(60_000)).toBe(true)
  return tools.keyring.identity.pubkey
}

it('trains a good model with the updates that are some, and pays those who made them in full', () => {
  expect(outcome.end.phase).toBe('done')
  expect(outcome.accuracy).toBeGreaterThan(0.8)
  for (const actor of honest) {
    const verdicts = verdictsOf(outcome.end, actor)
    expect(verdicts.map(({ paid, used }) => ({ paid, used }))).toEqual([
      { paid: 'full', used: true },
      { paid: 'full', used: true },
    ])
  }
})

it.each<[string, () => Actor, RegExp]>([
  ['holds a number that is not finite', () => nan, /not finite/],
  ['has other shapes than the model', () => shapes, /shape/],
  ['is random bytes', () => garbage, /not one of this model/],
  ['is a larger file than the model', () => giant, /at most \d+ were agreed/],
])('neither pays nor uses an update that %s, says why, and has its lock back', (_, who, why) => {
  const works = worksOf(outcome.end, who())
  expect(works).toHaveLength(1)
  expect(works[0]).toMatchObject({
    verdict: { paid: 'none', sats: 0, used: false, reason: expect.stringMatching(why) },
    lock: { status: 'settled', released: 0, refunded: works[0]!.lock.locked },
  })
  // Long before T: the provider signed it back.
  expect(works[0]!.lock.tries).toBeUndefined()
  expect(outcome.end.end!.at).toBeLessThan(works[0]!.locktime)
  // What it reads itself.
  const [engagement] = who().engagements()
  expect(engagement?.shares[0]?.verdict?.reason).toMatch(why)
  expect(who().home.tools.wallet.balance().earned).toBe(0)
})

it('pays no more than the price to who claims more steps than were asked', () => {
  const works = worksOf(outcome.end, boaster)
  expect(works.map(({ verdict, price }) => verdict!.sats / price)).toEqual([1, 1])
})

it('hears nothing from a key that no bid has named, whatever it says of others', () => {
  expect(log.filter(({ fact }) => 'from' in fact && fact.from === stranger)).toEqual([])
  expect(Object.values(outcome.end.engagements).every(e => e.gone?.reason !== 'It leaves.')).toBe(true)
})

it('ends with every ledger agreeing with the mint', () => outcome.books())
