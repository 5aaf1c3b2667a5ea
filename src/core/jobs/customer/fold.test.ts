import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sats } from '../../../shared/units.ts'
import { replay } from '../machine.ts'
import { customerMachine } from './advance.ts'
import { type Character, live, planOf, World } from './fold.test-support.ts'
import { money, type Plan } from './state.ts'
import { seedOf } from './times.ts'

const accounts = (world: World) => {
  for (const [lock, { locked, released, refunded }] of world.mint)
    expect(released + refunded, `lock ${lock}`).toBe(locked)
  const { locked, paid, refunded, open } = money(world.job)
  expect({ locked, open }).toEqual({ locked: paid + refunded, open: 0 })
}

describe('the customer’s fold', () => {
  it('trains all rounds with honest providers, pays every one and ends with nothing locked', () => {
    const world = new World(planOf(3, 4), ['honest', 'honest', 'honest', 'honest'])
    expect(live(world)).toBe(true)
    expect(world.job.phase).toBe('done')
    expect(world.mint.size).toBe(12)
    expect([...world.mint.values()].every(lock => lock.released === lock.locked)).toBe(true)
    accounts(world)
  })

  it('begins with a stranger’s short round: a quarter of the steps and of the price', () => {
    const world = new World(planOf(1, 2), ['honest'])
    live(world)
    const { works } = Object.values(world.job.engagements)[0]!
    expect(works.map(({ steps, price }) => ({ steps, price }))).toEqual([
      { steps: 25, price: 3 },
      { steps: 100, price: 10 },
    ])
  })

  it.each<Character>(['declines', 'mute', 'vanishes', 'leaves', 'harmful', 'late', 'phantom', 'forger'])(
    'replaces a provider that %s',
    character => {
      const world = new World(planOf(2, 3), [character, 'honest', 'honest'])
      expect(live(world)).toBe(true)
      expect(world.job.phase).toBe('done')
      accounts(world)
    },
  )

  it('saves an aggregate with the locks of the round that follows, and the last one by itself', () => {
    const world = new World(planOf(2, 3), ['honest', 'honest'])
    live(world)
    const saved = [...world.asked.keys()].filter(id => id.startsWith('checkpoint:'))
    expect(saved.map(id => id.split(':')[1])).toEqual(['1', '2', '3', '3'])
    expect(saved.at(-1)).toBe('checkpoint:3')
  })

  it('does not pay a harmful update, and takes its lock back', () => {
    const world = new World(planOf(2, 2), ['harmful', 'honest', 'honest'])
    live(world)
    const bad = Object.values(world.job.engagements).find(e => Number.parseInt(e.bid.provider, 16) === 0)!
    expect(bad.works[0]).toMatchObject({ verdict: { paid: 'none' }, lock: { released: 0 } })
    expect(bad.works[0]!.lock.refunded).toBe(bad.works[0]!.lock.locked)
  })

  const firstWorkOf = (world: World, provider: number) =>
    Object.values(world.job.engagements).find(e => Number.parseInt(e.bid.provider, 16) === provider)!
      .works[0]!

  it('pays an update that was signed in time and came after its round had closed, and does not use it', () => {
    const world = new World(planOf(2, 2), ['late', 'honest', 'honest'])
    live(world)
    expect(firstWorkOf(world, 0)).toMatchObject({ late: true, verdict: { paid: 'full', used: false } })
    expect(world.asked.get('aggregate:1')).toMatchObject({ keys: ['1.0'] })
    accounts(world)
  })

  it('holds up neither the round nor the end for an update that no server gives', () => {
    const world = new World(planOf(2, 2), ['phantom', 'honest', 'honest'])
    live(world)
    const { verdict, times } = firstWorkOf(world, 0)
    expect(world.job.end!.at).toBeLessThan(times!.deadline)
    expect(verdict).toMatchObject({ paid: 'none', used: false, reason: 'No server has it.' })
    accounts(world)
  })

  it('takes a lock back after T when the signatures that came for it open nothing, however often they come', () => {
    const world = new World(planOf(2, 2), ['forger', 'honest', 'honest'])
    live(world)
    const { lock } = firstWorkOf(world, 0)
    expect(lock).toMatchObject({ status: 'settled', refunded: lock.locked })
    accounts(world)
  })

  it('gives whoever replaces a provider another seed: the same batches would make it a copy', () => {
    const plan = planOf(1, 1)
    expect(seedOf(plan, 1, '0.0')).not.toBe(seedOf(plan, 1, '0.1'))
  })

  it('knows which of two equal updates of the same second came first, whichever slot made it', () => {
    let last = false
    const world = new World(planOf(2, 1), ['copied', 'copied'], size => (last ? size - 1 : 0))
    const updates = () => world.inFlight.filter(({ fact }) => fact.type === 'update')
    while (updates().length < 2) {
      world.answerAwards()
      if (world.step()) continue
      world.work()
      if (world.inFlight.length === 0) world.wake()
    }
    last = true
    live(world)
    const arrived = world.log.flatMap(({ fact }) => (fact.type === 'update' ? [fact.from] : []))
    const verdicts = arrived.map(
      from => Object.values(world.job.engagements).find(e => e.bid.bid.key === from)!.works[0]!.verdict!.used,
    )
    expect(verdicts).toEqual([true, false])
  })

  describe('a shard that is long on its way to a server', () => {
    /** Two honest providers; the second one's shard is there `late` seconds after it accepted. */
    const worldWith = (late: number): World => {
      const world = new World(planOf(2, 1), ['honest', 'honest'])
      for (let i = 0; i < 100 && world.job.roundOpenedAt === undefined; i++) {
        world.answerAwards()
        for (const answer of world.inFlight)
          if (answer.fact.type === 'shard-ready' && answer.fact.key === '1.0' && answer.from <= world.clock)
            answer.from = world.job.engagements['1.0']!.acceptedAt! + late
        if (!world.step()) world.wake()
      }
      return world
    }

    it('is waited for before the round is opened', () => {
      const { job } = worldWith(15)
      expect(job.roundOpenedAt).toBe(job.engagements['1.0']!.acceptedAt! + 15)
    })

    it('is not waited for beyond a provider’s time to start, and its provider takes part all the same', () => {
      const world = worldWith(40)
      const { acceptedAt } = world.job.engagements['1.0']!
      expect(world.job.roundOpenedAt).toBe(acceptedAt! + world.plan.times.start + 1)
      // The first one does not work before the second one is ready.
      while (world.job.engagements['1.0']!.shard === undefined) if (!world.step()) world.wake()
      live(world)
      expect(world.asked.get('aggregate:1')).toMatchObject({ keys: ['0.0', '1.0'] })
    })
  })

  it('ends as failed, with everything given back, when nobody is left to work', () => {
    const world = new World(planOf(2, 2), ['vanishes', 'declines'])
    expect(live(world)).toBe(true)
    expect(world.job.phase).toBe('failed')
    accounts(world)
  })

  it('goes on with fewer where the cap covers no third provider, and never goes over it', () => {
    const world = new World({ ...planOf(3, 2), cap: sats(30) }, ['honest', 'honest', 'honest'])
    expect(live(world)).toBe(true)
    expect(world.job.phase).toBe('done')
    expect([...world.mint.values()].reduce((sum, lock) => sum + lock.released, 0)).toBeLessThanOrEqual(30)
    accounts(world)
  })

  it('waits for a lock to come back before it hires anew, where the cap covers no more', () => {
    const world = new World({ ...planOf(1, 1), cap: sats(5) }, ['vanishes', 'honest', 'honest'])
    expect(live(world)).toBe(true)
    expect(world.job.phase).toBe('done')
    accounts(world)
  })

  it('ends as failed, in words, where the cap covers nobody', () => {
    const world = new World({ ...planOf(1, 1), cap: sats(1) }, ['honest'])
    expect(live(world)).toBe(true)
    expect(world.job).toMatchObject({ phase: 'failed', end: { reason: 'The cap.' } })
  })

  describe('receipts', () => {
    const agreed = (job: Plan): Plan => ({ ...job, receipts: true })
    const published = (world: World): string[] =>
      world.log.flatMap(({ fact }) => (fact.type === 'receipt-published' ? [fact.key] : []))

    it('publishes one with each provider that agreed, once all its locks are settled', () => {
      // In this world every other provider agrees: 0 and 2, of which 0 vanishes with a lock.
      const world = new World(agreed(planOf(2, 2)), ['vanishes', 'honest', 'honest'])
      live(world)
      const ofProvider = (n: number) =>
        Object.values(world.job.engagements).find(({ bid }) => Number.parseInt(bid.provider, 16) === n)!.key
      expect(published(world)).toEqual([ofProvider(2), ofProvider(0)])
      const at = (id: RegExp) => world.log.findIndex(entry => id.test(entry.id))
      expect(at(/^done:receipt:0.0/)).toBeGreaterThan(at(/^done:refund:0.0/))
    })

    it('looks again where the mint does not know of a redemption yet, and the job is not over before', () => {
      const answers = [2, 0]
      const world = new World(agreed(planOf(1, 1)), ['honest'], n => (n === 3 ? (answers.shift() ?? 0) : 0))
      live(world)
      expect([...world.asked.keys()].filter(id => id.startsWith('receipt:'))).toEqual([
        'receipt:0.0:0',
        'receipt:0.0:1',
      ])
      expect(published(world)).toEqual(['0.0'])
    })

    it('publishes none where one side alone agrees, or nothing was asked', () => {
      const silent = new World(planOf(2, 1), ['honest', 'honest'])
      const unasked = new World(agreed(planOf(1, 1)), ['declines', 'honest'])
      for (const world of [silent, unasked]) {
        live(world)
        expect(published(world)).toEqual([])
      }
    })
  })

  it('pays what was delivered when the person cancels in mid-round', () => {
    const world = new World(planOf(2, 5), ['honest', 'honest'])
    for (let i = 0; i < 200 && world.job.round < 2; i++) world.turn()
    world.tell('cancel', { type: 'cancel' })
    expect(live(world)).toBe(true)
    expect(world.job.phase).toBe('cancelled')
    accounts(world)
  })

  it('stops when the job goes on elsewhere under a higher epoch, and not for a lower one', () => {
    const world = new World(planOf(1, 2), ['honest'])
    world.tell('old', { type: 'superseded', epoch: 1 })
    expect(world.job.phase).not.toBe('fenced')
    world.tell('new', { type: 'superseded', epoch: 2 })
    expect(world.job.phase).toBe('fenced')
  })

  const characters = fc.array(
    fc.constantFrom<Character>(
      ...(['honest', 'honest', 'declines', 'mute', 'vanishes', 'leaves', 'harmful'] as const),
      ...(['late', 'phantom', 'forger'] as const),
    ),
    { minLength: 1, maxLength: 6 },
  )

  it('always ends and never loses a sat, whoever the providers are and in whatever order their words arrive', () => {
    fc.assert(
      fc.property(
        characters,
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 1, max: 3 }),
        fc.infiniteStream(fc.nat()),
        (who, n, rounds, order) => {
          const pick = (size: number): number => order.next().value % size
          const world = new World({ ...planOf(n, rounds), receipts: true }, who, pick)
          expect(live(world)).toBe(true)
          accounts(world)
          const receipts = world.log.filter(({ fact }) => fact.type === 'receipt-published')
          const agreed = Object.values(world.job.engagements).filter(
            ({ bid, works }) => bid.bid.receipts && works.some(({ sentAt }) => sentAt !== undefined),
          )
          expect(receipts).toHaveLength(agreed.length)
        },
      ),
      { numRuns: 150 },
    )
  })

  it('ends and loses no sat though its process dies again and again', () => {
    const deaths = fc.infiniteStream(fc.nat({ max: 4 }))
    fc.assert(
      fc.property(characters, fc.infiniteStream(fc.nat()), deaths, (who, order, dies) => {
        const world = new World({ ...planOf(2, 2), receipts: true }, who, size => order.next().value % size)
        expect(live(world, () => dies.next().value === 0)).toBe(true)
        accounts(world)
      }),
      { numRuns: 60 },
    )
  })

  it('comes to the same end where its process dies once, wherever that is', () => {
    const open = () => new World(planOf(2, 3), ['honest', 'honest', 'honest'])
    const whole = open()
    let steps = 0
    live(whole, () => steps++ < 0)
    for (let cut = 0; cut < steps; cut++) {
      const world = open()
      let step = 0
      expect(
        live(world, () => step++ === cut),
        `died at step ${cut}`,
      ).toBe(true)
      accounts(world)
      expect(world.mint, `died at step ${cut}`).toEqual(whole.mint)
      expect(world.job.end?.reason, `died at step ${cut}`).toEqual(whole.job.end?.reason)
    }
  })

  it('gives the same state from the same log, cut and taken up at any entry, with every entry told twice', () => {
    fc.assert(
      fc.property(characters, fc.infiniteStream(fc.nat()), fc.nat(), (who, order, cut) => {
        const world = new World({ ...planOf(2, 2), receipts: true }, who, size => order.next().value % size)
        live(world)
        const at = cut % world.log.length
        const twice = [...world.log.slice(0, at), ...world.log.slice(0, at), ...world.log]
        expect(replay(customerMachine, twice)).toEqual(world.job)
      }),
      { numRuns: 60 },
    )
  })
})
