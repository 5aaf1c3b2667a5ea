import { describe, expect, it } from 'vitest'
import { seconds } from '../../../shared/units.ts'
import { live, planOf, World } from './fold.test-support.ts'
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

describe('a job with nobody to do it', () => {
  const calls = (world: World): number =>
    [...world.asked.keys()].filter(id => id.startsWith('announce:1:open')).length

  it('calls again every hour, and is done by whoever hears that', () => {
    const world = new World(planOf(2, 2), [])
    const began = world.clock
    while (calls(world) < 3) world.turn()
    expect(world.clock - began).toBe(2 * 3600)
    world.characters.push('honest', 'honest')
    expect(live(world)).toBe(true)
    expect(world.job.phase).toBe('done')
  })

  it('calls at once when somebody leaves, and then again for who was not there', () => {
    const world = new World(planOf(1, 2), ['leaves'])
    while (world.job.engagements['0.0']?.status !== 'gone') world.turn()
    const left = world.clock
    expect(calls(world)).toBe(2)
    while (calls(world) < 3) world.turn()
    expect(world.clock - left).toBe(3600)
    world.characters.push('honest')
    expect(live(world)).toBe(true)
    expect(world.job.phase).toBe('done')
  })

  it('fails at its deadline when nobody ever comes', () => {
    const world = new World({ ...planOf(1, 1), deadline: seconds(16_000) }, [])
    expect(live(world)).toBe(true)
    expect(world.job.phase).toBe('failed')
    expect(calls(world)).toBe(5)
  })
})
