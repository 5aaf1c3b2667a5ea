import { beforeEach, describe, expect, it } from 'vitest'
import { customerMachine } from './advance.ts'
import { live, planOf, World } from './fold.test-support.ts'
import { money, secondsOf } from './state.ts'

/** The same job up to its export, once with a folder that is free and once with one that is not. */
const trainedInto = (taken: boolean): World => {
  const world = new World(planOf(2, 3), ['honest', 'honest'])
  if (taken) world.taken.add(world.plan.out)
  expect(live(world)).toBe(!taken)
  return world
}

describe('a model that cannot be written', () => {
  let world: World
  beforeEach(() => {
    world = trainedInto(true)
  })
  const ends = () => [live(world), world.job.phase, world.job.report, world.job.unwritten]

  it('keeps its job open, with every round paid, nothing locked and nothing deleted', () => {
    const { job } = world
    expect([job.phase, job.unwritten]).toEqual(['exporting', 'The folder is taken.'])
    expect([job.weights.length, job.end, customerMachine.over(job)]).toEqual([4, undefined, false])
    expect(money(job)).toEqual(money(trainedInto(false).job))
    expect([...world.asked.keys()].filter(id => id === 'clean-up' || id.endsWith(':done'))).toEqual([])
  })

  it('is written to another folder, as often as it takes', () => {
    world.taken.add('second')
    world.tell('out-1', { type: 'out', out: 'second' })
    expect(live(world)).toBe(false)
    expect(world.job).toMatchObject({ phase: 'exporting', unwritten: 'The folder is taken.' })
    world.tell('out-2', { type: 'out', out: 'third' })
    expect(ends()).toEqual([true, 'done', { ok: true }, undefined])
    expect(world.job.plan!.out).toBe('third')
  })

  it('is tried again when the job is taken up, and on another machine', () => {
    world.tell('back', { type: 'back' })
    world.tell('caught-up', { type: 'caught-up' })
    expect(live(world)).toBe(false)
    world.tell('restored', { type: 'restored', epoch: 2, out: 'elsewhere', stamp: world.job.stamp })
    expect(ends()).toEqual([true, 'done', { ok: true }, undefined])
  })

  it('does not hold up a person who cancels, and can still be written then', () => {
    world.tell('cancel', { type: 'cancel' })
    expect(ends()).toEqual([true, 'cancelled', undefined, 'The folder is taken.'])
    world.tell('back', { type: 'back' })
    world.tell('out', { type: 'out', out: 'other' })
    world.tell('caught-up', { type: 'caught-up' })
    expect(ends()).toEqual([true, 'cancelled', { ok: true }, undefined])
  })

  it('does not hold up a person who cancels a job that failed already', () => {
    const failed = new World(planOf(2, 3), ['honest', 'honest'])
    failed.taken.add(failed.plan.out)
    while (failed.job.weights.length < 2) failed.turn()
    failed.clock = failed.plan.deadline
    failed.tell('deadline', { type: 'tick' })
    expect(live(failed)).toBe(false)
    expect(failed.job).toMatchObject({ phase: 'exporting', stopping: { code: 'failed' } })
    failed.tell('cancel', { type: 'cancel' })
    expect([live(failed), failed.job.phase, failed.job.unwritten]).toEqual([
      true,
      'cancelled',
      'The folder is taken.',
    ])
  })

  it('does not make the job longer than it was', () => {
    const before = secondsOf(world.job)
    world.clock += 100_000
    world.tell('out', { type: 'out', out: 'other' })
    live(world)
    expect(world.job.end!.at).toBeGreaterThanOrEqual(world.clock - 1)
    expect([secondsOf(world.job), before > 0]).toEqual([before, true])
  })
})
