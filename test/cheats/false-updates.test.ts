import { copyFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { CustomerFact } from '../../src/core/jobs/index.ts'
import { KIND } from '../../src/core/market/index.ts'
import { type Cheat, onTrain, publishing, renumbered, sendingAgain } from './bent.test-support.ts'
import {
  type Actor,
  type Outcome,
  openStage,
  outcomeOf,
  type Stage,
  uniform,
  verdictsOf,
  worksOf,
  writeClouds,
} from './stage.test-support.ts'

// One job, eight providers: three who work, five whose update looks like one and is not what was asked.
const ROUNDS = 4
let stage: Stage
let outcome: Outcome
let log: { fact: CustomerFact }[]
let honest: Actor[]
let random: Actor
let tenfold: Actor
let tenth: Actor
let replay: Actor
let copy: Actor

/** The copier sends the file that the victim has made in the same round, once a relay has the victim's word of it. */
function victimAndCopier(folder: string): { victim: Cheat; copier: Cheat } {
  const made = (update: string): string => join(folder, `made-${basename(update)}`)
  const sent = new Set<string>()
  const waiting: (() => void)[] = []
  const victim: Cheat = tools => {
    let newest = ''
    const trains = onTrain(tools, async (input, train) => {
      const done = await train(input)
      newest = made(input.update)
      copyFileSync(input.update, newest)
      return done
    })
    return publishing((event, { relays }) => {
      if (event.kind !== KIND.UPDATE) return event
      const path = newest
      // The outbox has it only after this returns.
      queueMicrotask(() =>
        relays.delivered(event.id).then(() => {
          sent.add(path)
          for (const go of waiting.splice(0)) go()
        }),
      )
      return event
    })(trains)
  }
  const copier: Cheat = tools =>
    onTrain(tools, async (input, train, signal) => {
      const done = await train({ ...input, steps: 1 })
      while (!sent.has(made(input.update)))
        await new Promise<void>((go, stop) => {
          waiting.push(go)
          signal?.addEventListener('abort', () => stop(signal.reason), { once: true })
        })
      copyFileSync(made(input.update), input.update)
      return { ...done, steps: input.steps }
    })
  return { victim, copier }
}

beforeAll(async () => {
  stage = await openStage()
  const customer = await stage.customer()
  const { victim, copier } = victimAndCopier(stage.folder)
  honest = await Promise.all([stage.provider('a', victim), ...['b', 'c'].map(name => stage.provider(name))])
  copy = await stage.provider('copy', copier)
  const number = uniform(9)
  const normal = () => Math.sqrt(-2 * Math.log(1 - number())) * Math.cos(2 * Math.PI * number())
  random = await stage.provider(
    'random',
    renumbered((_, rms) => rms * normal()),
  )
  tenfold = await stage.provider(
    'tenfold',
    renumbered(x => 10 * x),
  )
  tenth = await stage.provider('tenth', tools =>
    onTrain(tools, async (input, train) => {
      const done = await train({ ...input, steps: Math.ceil(input.steps / 10) })
      return { ...done, steps: input.steps }
    }),
  )
  replay = await stage.provider('replay', sendingAgain(ROUNDS, join(stage.folder, 'first')))
  const job = await stage.job(customer, {
    dataset: writeClouds(stage.folder, 4000),
    providers: 8,
    rounds: ROUNDS,
  })
  outcome = await outcomeOf(job, [...honest, copy, random, tenfold, tenth, replay])
  log = customer.tools.journal.log(job.id)
}, 400_000)
afterAll(() => stage.close())

it('trains a good model, and pays those who worked in full', () => {
  if (process.env.DEBUG)
    for (const actor of [...honest, copy, random, tenfold, tenth, replay])
      for (const { round, verdict, price } of worksOf(outcome.end, actor))
        console.log(actor.name, round, price, verdict)
  expect(outcome.end.phase).toBe('done')
  expect(outcome.accuracy).toBeGreaterThan(0.8)
  for (const actor of honest)
    expect(
      verdictsOf(outcome.end, actor).map(({ paid }) => paid),
      actor.name,
    ).toEqual(Array(ROUNDS).fill('full'))
})

it.each<[string, () => Actor, RegExp]>([
  [
    'random numbers of an honest norm',
    () => random,
    /: it is not work on this shard\.|the loss on the assigned shard (rose|is)/i,
  ],
  ['ten times what the training made', () => tenfold, /: it is inflated\.|; an own run stayed below/],
  [
    'a copy of a peer’s update',
    () => copy,
    /the same as another update of|: it is another update of the job/,
  ],
])('neither pays nor uses %s, says why, and has the lock back', (_, who, why) => {
  const works = worksOf(outcome.end, who())
  expect(works).toHaveLength(1)
  expect(works[0]).toMatchObject({
    verdict: { paid: 'none', sats: 0, used: false, reason: expect.stringMatching(why) },
    lock: { status: 'settled', released: 0, refunded: works[0]!.lock.locked },
  })
  expect(outcome.end.end!.at).toBeLessThan(works[0]!.locktime)
  const [engagement] = who().engagements()
  expect(engagement?.shares[0]?.verdict?.reason).toBe(works[0]!.verdict!.reason)
  expect(who().home.tools.wallet.balance().earned).toBe(0)
})

it('pays a tenth of the steps at most in part, and says why', () => {
  const [work, ...more] = worksOf(outcome.end, tenth)
  expect(more).toEqual([])
  expect(work!.verdict!.sats).toBeLessThan(work!.price / 2)
  expect(work!.lock.refunded).toBe(work!.lock.locked - work!.lock.released)
  expect(work!.verdict!.reason).toMatch(
    /too little to count as work|paid for that part|paid for the steps that lead so far|it is not work on this shard/,
  )
  expect(tenth.engagements()[0]?.shares[0]?.verdict?.reason).toBe(work!.verdict!.reason)
})

it('pays the rounds that were worked, and not the first round’s update sent again in the fourth', () => {
  const verdicts = verdictsOf(outcome.end, replay)
  expect(verdicts.map(({ paid }) => paid)).toEqual(['full', 'full', 'full', 'none'])
  expect(verdicts[3]).toMatchObject({ used: false, reason: expect.stringContaining('earlier round') })
})

it('keeps in its log, which a recovery brings back, what later updates are compared with', () => {
  const figures = log.flatMap(({ fact }) => (fact.type === 'measured' ? [fact.figures] : []))
  expect(figures.length).toBeGreaterThan(12)
  for (const { sketch } of figures) expect(sketch).toMatch(/^[\w+/]{171}=$/)
})

it('ends with every ledger agreeing with the mint', () => outcome.books())
