import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { replay } from '../machine.ts'
import { providerMachine } from './advance.ts'
import { J, round, verdict } from './fold.test-support.ts'
import type { ProviderFact } from './log.ts'
import { type Conduct, conducts, live, ProviderWorld } from './world.test-support.ts'

/** What must hold after every entry, whatever the customer does. */
function watched(world: ProviderWorld): ProviderWorld {
  world.check = () => {
    const accepted = new Set(
      world.log.flatMap(({ fact }) => (fact.type === 'lock-accepted' ? [fact.round] : [])),
    )
    for (const [n] of world.locks) {
      if (world.asked.has(`fetch:${n}`) || world.asked.has(`train:${n}`)) expect(accepted).toContain(n)
      // One round at risk at most: a lock is not even looked at before all earlier ones are redeemed whole.
      if (!world.asked.has(`check-lock:${n}`)) continue
      for (const [earlier, lock] of world.locks)
        if (earlier < n) expect(lock.redeemed, `round ${earlier} when ${n} begins`).toBe(lock.price)
    }
  }
  return world
}

/** How each lock ended, once all is over. */
function ends(world: ProviderWorld): void {
  for (const [n, lock] of world.locks) {
    const what = `round ${n}: ${world.conduct[n - 1]}, ${JSON.stringify(lock)}`
    const whole = lock.redeemed === lock.price
    // Without a verdict it is the customer's again after T.
    const lapsed = lock.delivered && ['is-silent', 'hurries'].includes(world.conduct[n - 1]!)
    if (lock.accepted) expect(whole || lock.givenBack || lock.refused || lapsed, what).toBe(true)
    expect(whole && lock.givenBack, `redeemed and signed back, ${what}`).toBe(false)
    if (lock.delivered && ['pays', 'pays-late', 'leaves'].includes(world.conduct[n - 1]!))
      expect(whole, what).toBe(true)
  }
}

/** Words that this engagement has nothing to do with, or not any more. */
const wrong: ProviderFact[] = [
  { type: 'round', event: 'w1', from: 'stranger', at: round(1).times.startBy, round: round(3) },
  { type: 'round', event: 'w2', from: J, at: round(1).times.startBy, round: round(3, { award: 'other' }) },
  { type: 'round', event: 'w3', from: J, at: round(1).times.startBy, round: round(3, { epoch: 0 }) },
  { type: 'verdict', event: 'w4', from: 'stranger', verdict: verdict(1, 'none') },
  { type: 'verdict', event: 'w5', from: J, verdict: { ...verdict(1, 'none'), award: 'other' } },
  { type: 'verdict', event: 'w6', from: J, verdict: verdict(9, 'none') },
  { type: 'leave', event: 'w7', from: J, leave: { award: 'other', code: 'done', reason: 'r' } },
  { type: 'leave', event: 'w8', from: 'stranger', leave: { award: 'award', code: 'done', reason: 'r' } },
  { type: 'superseded', epoch: 0 },
  { type: 'redeemed', round: 9, sats: verdict(1, 'full').sats, fee: verdict(1, 'none').sats },
]

const customer = fc.array(fc.oneof(fc.constant<Conduct>('pays'), fc.constantFrom(...conducts)), {
  minLength: 1,
  maxLength: 3,
})
const picks = fc.infiniteStream(fc.nat())
const pickOf = (order: Iterator<number>) => (n: number) => (order.next().value as number) % n

describe('the provider’s fold in a made-up world', () => {
  it('is paid every round by a customer that keeps its word', () => {
    const world = watched(new ProviderWorld(['pays', 'pays', 'pays']))
    live(world)
    expect([...world.locks.values()].map(({ redeemed }) => redeemed)).toEqual([10, 40, 40])
  })

  it('works and is paid every round of a customer that keeps its word, in whatever order its words come', () => {
    const kept = fc.array(fc.constantFrom<Conduct>('pays', 'pays-late'), { minLength: 2, maxLength: 3 })
    fc.assert(
      fc.property(kept, picks, (who, order) => {
        const world = watched(new ProviderWorld(who, pickOf(order)))
        live(world)
        expect([...world.locks.values()].map(({ redeemed, price }) => redeemed / price)).toEqual(
          who.map(() => 1),
        )
      }),
    )
  })

  it('looks at no second round before the first is paid, and the engagement ends all the same', () => {
    const world = watched(new ProviderWorld(['hurries', 'pays']))
    live(world)
    expect(world.asked.has('check-lock:2')).toBe(false)
    expect(world.state.end).toMatchObject({
      reason: 'Round 1 with this customer is not redeemed.',
      mine: true,
    })
  })

  it('never risks more than one round, and every lock ends, whatever the customer does and in whatever order its words come', () => {
    fc.assert(
      fc.property(customer, picks, fc.option(fc.nat({ max: 40 })), (who, order, stop) => {
        const world = watched(new ProviderWorld(who, pickOf(order)))
        let step = 0
        live(world, () => {
          if (step++ === stop) world.tell('stop', { type: 'stop' })
          return false
        })
        ends(world)
      }),
      { numRuns: 150 },
    )
  })

  it('comes to a right end though the process dies again and again, in the middle of any effect', () => {
    fc.assert(
      fc.property(customer, picks, fc.infiniteStream(fc.nat({ max: 3 })), (who, order, deaths) => {
        const world = watched(new ProviderWorld(who, pickOf(order)))
        live(world, () => deaths.next().value === 0)
        ends(world)
      }),
      { numRuns: 100 },
    )
  })

  it.each<[string, Conduct[]]>([
    ['all is paid', ['pays', 'pays', 'pays']],
    ['a part is paid', ['pays', 'pays-part']],
    ['work is rejected', ['pays', 'rejects']],
    ['no verdict comes', ['pays', 'is-silent']],
  ])('comes to the same end where the process dies once, wherever that is: %s', (_, conduct) => {
    const whole = new ProviderWorld(conduct)
    let steps = 0
    live(whole, () => steps++ < 0)
    for (let cut = 0; cut < steps; cut++) {
      const world = watched(new ProviderWorld(conduct))
      let step = 0
      live(world, () => step++ === cut)
      expect(world.locks, `died at step ${cut}`).toEqual(whole.locks)
      expect(world.state.end, `died at step ${cut}`).toEqual(whole.state.end)
    }
  })

  it('is not changed by words told twice, nor by those of strangers, other engagements and older epochs, wherever they come', () => {
    const strange = fc.array(fc.tuple(fc.nat(), fc.constantFrom(...wrong)), { maxLength: 12 })
    fc.assert(
      fc.property(customer, picks, strange, fc.nat(), (who, order, words, cut) => {
        const world = new ProviderWorld(who, pickOf(order))
        live(world)
        const log = [...world.log]
        words.forEach(([place, fact], i) => {
          const before = place % log.length
          log.splice(before + 1, 0, { id: `wrong-${i}`, at: log[before]!.at, fact })
        })
        log.push(...log.slice(0, cut % log.length))
        expect(replay(providerMachine, log)).toEqual(world.state)
      }),
      { numRuns: 60 },
    )
  })
})
