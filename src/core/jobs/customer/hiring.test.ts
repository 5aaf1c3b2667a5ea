import { expect, it } from 'vitest'
import { planOf } from './fold.test-support.ts'
import { scheduleOf } from './hiring.ts'
import type { StandingBid } from './state.ts'

it('awards say how many full steps of the job come before each round, also to a stranger hired in its middle', () => {
  const plan = { ...planOf(2, 4), steps: 100, strangers: 0.25 }
  const bid = (known: number) => ({ known, bid: { perRound: 40 } }) as StandingBid // what a schedule looks at
  expect(scheduleOf(plan, bid(0), 2)).toEqual([
    { round: 2, first: 100, steps: 25, price: 10 },
    { round: 3, first: 200, steps: 100, price: 40 },
    { round: 4, first: 300, steps: 100, price: 40 },
  ])
  expect(scheduleOf(plan, bid(1), 1)[0]).toEqual({ round: 1, first: 0, steps: 100, price: 40 })
})
