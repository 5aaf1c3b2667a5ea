import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isResting } from './closing.ts'
import { type Character, live, planOf, World } from './fold.test-support.ts'
import { allWorks, ended, money } from './state.ts'

/** The world goes on until nobody works for a job that was told to pause. */
function untilResting(world: World): void {
  for (let i = 0; i < 2000 && !isResting(world.job) && !ended(world.job); i++) world.turn()
  expect(isResting(world.job) || ended(world.job)).toBe(true)
}

/** Takes so many steps into a job, and then asks for a pause. */
function pausedAfter(world: World, steps: number): World {
  for (let i = 0; i < steps && !ended(world.job); i++) world.turn()
  world.tell('pause', { type: 'pause' })
  return world
}

const inRound = (round: number): World => {
  // The third is who would be hired if anyone were.
  const world = new World(planOf(2, 4), ['honest', 'honest', 'honest'])
  for (let steps = 0; steps < 500; steps++) {
    const works = allWorks(world.job).filter(({ work }) => work.round === round)
    if (works.length === 2 && works.every(({ work }) => work.status === 'sent')) return world
    world.answerAwards()
    if (round > 1) world.work()
    if (!world.step()) world.wake()
  }
  throw new Error('the round did not begin')
}

describe('a pause of the customer', () => {
  it('ends the round under way, pays it, and lets everyone go with nothing locked', () => {
    const world = inRound(1)
    world.tell('pause', { type: 'pause' })
    untilResting(world)
    expect(world.job.weights).toHaveLength(2)
    const works = allWorks(world.job)
    expect(works.map(({ work }) => work.verdict?.paid)).toEqual(['full', 'full'])
    expect(works.map(({ engagement }) => engagement.gone?.code)).toEqual(['pause', 'pause'])
    expect(money(world.job).open).toBe(0)
    const asked = (kind: string) => [...world.asked.keys()].filter(id => id.startsWith(`${kind}:`))
    for (const kind of ['award', 'lock']) expect(asked(kind)).toHaveLength(2)
    expect(asked('weights')).toHaveLength(1)
  })

  it('goes on when the job is taken up again, with whoever bids then', () => {
    const world = inRound(1)
    world.tell('pause', { type: 'pause' })
    untilResting(world)
    world.goOn()
    expect(live(world)).toBe(true)
    expect(world.job.phase).toBe('done')
    expect(world.job.weights).toHaveLength(5)
    expect(money(world.job)).toMatchObject({ open: 0 })
  })

  it('is over as soon as providers answer again, also where they were called in vain before it', () => {
    const world = new World(planOf(2, 4), ['honest', 'leaves'])
    while (world.job.weights.length < 3) world.turn()
    expect(world.asked.has('announce:1:open:1')).toBe(true)
    expect(Object.keys(world.job.engagements)).toHaveLength(2)
    world.tell('pause', { type: 'pause' })
    untilResting(world)
    world.goOn()
    expect(live(world)).toBe(true)
    expect(world.job.phase).toBe('done')
  })

  it('begins at once where nobody was hired yet', () => {
    const world = new World(planOf(2, 2), ['honest', 'honest'])
    world.tell('pause', { type: 'pause' })
    expect(isResting(world.job)).toBe(true)
    expect([...world.asked.keys()].some(id => id.startsWith('award:'))).toBe(false)
  })

  const characters = fc.array(
    fc.constantFrom<Character>(
      ...([
        'honest',
        'honest',
        'declines',
        'mute',
        'vanishes',
        'leaves',
        'harmful',
        'late',
        'phantom',
      ] as const),
    ),
    { minLength: 1, maxLength: 5 },
  )

  it('comes to rest at any moment with all judged that it has, and loses no sat when the job goes on, whoever the providers are', () => {
    fc.assert(
      fc.property(characters, fc.nat({ max: 120 }), fc.infiniteStream(fc.nat()), (who, steps, order) => {
        const pick = (size: number): number => order.next().value % size
        const world = pausedAfter(new World(planOf(2, 3), who, pick), steps)
        untilResting(world)
        const unjudged = allWorks(world.job).filter(
          ({ work: { status } }) => status === 'fetched' || status === 'measured' || status === 'releasing',
        )
        if (!ended(world.job)) expect(unjudged).toEqual([])
        const locks = world.mint.size
        world.goOn()
        expect(live(world)).toBe(true)
        for (const [lock, { locked, released, refunded }] of world.mint)
          expect(released + refunded, `lock ${lock}`).toBe(locked)
        expect(money(world.job).open).toBe(0)
        expect(world.mint.size).toBeGreaterThanOrEqual(locks)
      }),
      { numRuns: 100 },
    )
  })
})
