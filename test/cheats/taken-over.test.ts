import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { sendingAgain } from './bent.test-support.ts'
import { openStage, outcomeOf, type Stage, verdictsOf, writeClouds } from './stage.test-support.ts'

const ROUNDS = 3
let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})
afterEach(() => stage.close())

it('knows an update of an earlier round again on a new home, which has its sketch and not its file', async () => {
  const old = await stage.customer('old-home')
  const honest = await stage.provider('honest')
  const replay = await stage.provider('replay', sendingAgain(ROUNDS, join(stage.folder, 'first')))
  const dataset = writeClouds(stage.folder, 1000)
  const { promise: lastRound, resolve } = Promise.withResolvers<void>()
  const job = await stage.job(
    old,
    { dataset, providers: 2, rounds: ROUNDS },
    { onChange: (_, { fact }) => fact.type === 'round-sent' && fact.round === ROUNDS && resolve() },
  )
  await lastRound
  const again = await stage.takenOver(job, dataset)

  const measured = (fact: (typeof again.brought)[number]) => (fact.type === 'measured' ? [fact] : [])
  const known = again.brought.flatMap(measured)
  expect(known.map(({ round }) => round).sort()).toEqual([1, 1, 2, 2])
  for (const { figures } of known) expect(figures.sketch).toMatch(/^[\w+/]{171}=$/)

  const outcome = await outcomeOf(again, [honest, replay])
  expect(outcome.end.phase).toBe('done')
  expect(verdictsOf(outcome.end, honest).map(({ paid }) => paid)).toEqual(['full', 'full', 'full'])
  const verdicts = verdictsOf(outcome.end, replay)
  expect(verdicts.map(({ paid }) => paid)).toEqual(['full', 'full', 'none'])
  expect(verdicts.at(-1)).toMatchObject({ used: false, reason: expect.stringContaining('earlier round') })
  await outcome.books()
}, 400_000)
