import { afterAll, beforeAll, expect, it } from 'vitest'
import { sats } from '../../src/shared/units.ts'
import { onTrain } from './bent.test-support.ts'
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

// Each provider has rows of two classes of four: what helps its own shard is no help on another's.
let stage: Stage
let outcome: Outcome
let honest: Actor[]
let lazy: Actor
let spare: Actor

beforeAll(async () => {
  stage = await openStage()
  const customer = await stage.customer()
  honest = await Promise.all(['a', 'b', 'c'].map(name => stage.provider(name)))
  lazy = await stage.provider('lazy', tools =>
    onTrain(tools, async (input, train) => {
      const done = await train({ ...input, steps: Math.ceil(input.steps / 10) })
      return { ...done, steps: input.steps }
    }),
  )
  // Dearer than the others, it waits until a slot is free.
  spare = await stage.provider('spare', undefined, { price: { perPflop: sats(1000), minimum: sats(50) } })
  const job = await stage.job(customer, {
    dataset: writeClouds(stage.folder, 3000),
    providers: 4,
    rounds: 6,
    skew: { classesPerShard: 2 },
  })
  outcome = await outcomeOf(job, [...honest, lazy, spare])
}, 400_000)
afterAll(() => stage.close())

it('pays honest providers with odd shards in full, every round', () => {
  expect(outcome.end.phase).toBe('done')
  for (const actor of honest)
    expect(
      verdictsOf(outcome.end, actor).map(({ paid }) => paid),
      actor.name,
    ).toEqual(Array(6).fill('full'))
})

it('trains a model that knows all classes', () => {
  expect(outcome.accuracy).toBeGreaterThan(0.75)
})

it('pays a tenth of the steps at most in part among them, and gives the shard to someone who works', () => {
  const [work, ...more] = worksOf(outcome.end, lazy)
  expect(more).toEqual([])
  expect(work!.verdict!.sats).toBeLessThan(work!.price / 2)
  const verdicts = verdictsOf(outcome.end, spare)
  expect(verdicts.length).toBeGreaterThanOrEqual(4)
  expect(verdicts.every(({ paid }) => paid === 'full')).toBe(true)
})

it('ends with every ledger agreeing with the mint', () => outcome.books())
