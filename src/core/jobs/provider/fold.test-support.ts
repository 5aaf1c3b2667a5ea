import { type Bytes, sats, seconds } from '../../../shared/units.ts'
import type { Award, Bid, Job, Round, Verdict } from '../../market/index.ts'
import { flopsPerStep, parameterCount } from '../../training/index.ts'
import { manifestOf, planOf } from '../customer/fold.test-support.ts'
import { frozen } from '../frozen.test-support.ts'
import type { Entry } from '../machine.ts'
import { providerMachine } from './advance.ts'
import type { ProviderEffect, ProviderFact } from './log.ts'
import type { Candidate } from './state.ts'

export const { spec } = planOf(1, 1)
const steps = 100
export const J = 'j'.repeat(64)
const job = {
  key: J,
  epoch: 1,
  parameters: parameterCount(spec),
  rounds: 3,
  shardBytes: 1000 as Bytes,
  pflopPerRound: (steps * flopsPerStep(spec)) / 1e15,
} as Job // the fields the fold reads; the wire's parser has seen the others
export const candidate: Candidate = {
  customer: 'c',
  job,
  coordinate: '36450:c:d',
  version: 'v',
  bid: { perRound: sats(40), mints: ['http://mint'], validUntil: 5000 } as Bid, // likewise
  known: 0,
  strangers: 0.25,
  relays: [],
  blossoms: [],
  leastLock: seconds(60),
}
export const award = (change: Partial<Award> = {}): Award =>
  ({
    job: '36450:c:d',
    version: 'v',
    epoch: 1,
    bid: 'bid',
    key: J,
    payments: 'xpub',
    spec,
    shard: { rows: 10, bytes: 1000 },
    mint: 'http://mint',
    rounds: [
      { round: 1, steps: 25, price: 10 },
      { round: 2, steps: 100, price: 40 },
      { round: 3, steps: 100, price: 40 },
    ],
    times: { start: 10, deadline: 20, release: 30, redeem: 40, lock: 140 },
    rule: { rho: 0.5 },
    ...change,
  }) as Award // branded numbers
export const round = (n: number, change: Partial<Round> = {}): Round => ({
  job: '36450:c:d',
  version: 'v',
  award: 'award',
  epoch: 1,
  round: n,
  weights: manifestOf(1),
  ...(n === 1 ? { shard: manifestOf(2) } : {}),
  steps: n === 1 ? 25 : 100,
  seed: 1,
  price: sats(n === 1 ? 10 : 40),
  times: {
    startBy: seconds(1010),
    deadline: seconds(1020),
    releaseBy: seconds(1030),
    redeemBy: seconds(1040),
    locktime: seconds(1200),
  },
  token: 'cashuB',
  ...change,
})
export const verdict = (n: number, paid: 'full' | 'part' | 'none'): Verdict =>
  ({
    award: 'award',
    round: n,
    paid,
    sats: paid === 'none' ? 0 : 10,
    used: true,
    figures: {},
    reason: 'r',
    witnesses: paid === 'none' ? [] : [{ secret: 's', signature: 'x' }],
    parent: 'p',
  }) as Verdict

/** Folds facts one after the other at second 1000 and on, answering no effect. */
export class Side {
  state = providerMachine.initial
  readonly effects = new Map<string, ProviderEffect>()
  readonly log: Entry<ProviderFact>[] = []
  clock = 1000
  tell(id: string, fact: ProviderFact): this {
    const entry = { id, at: seconds(this.clock), fact }
    if (this.log.some(known => known.id === id)) return this
    this.log.push(entry)
    const [state, effects] = providerMachine.advance(frozen(this.state), entry)
    this.state = state
    for (const effect of effects) this.effects.set(effect.id, effect)
    return this
  }
  hired(change: Partial<Award> = {}, more: Partial<Candidate> = {}): this {
    return this.tell('considered', { type: 'considered', candidate: { ...candidate, ...more } })
      .tell('sent', { type: 'bid-sent', bid: 'bid' })
      .tell('award', { type: 'award', event: 'award', award: award(change), busy: false })
  }
  round(n: number, change: Partial<Round> = {}): this {
    return this.tell(`round-${n}`, {
      type: 'round',
      event: `round-${n}`,
      from: J,
      at: seconds(1000),
      round: round(n, change),
    })
  }
  works(n: number): this {
    return this.tell(`ok-${n}`, { type: 'lock-accepted', round: n })
      .tell(`fetched-${n}`, { type: 'fetched', round: n, shard: 'shard' })
      .tell(`trained-${n}`, { type: 'trained', round: n, steps: 25, losses: [1], checkpoints: [], path: 'u' })
      .tell(`uploaded-${n}`, { type: 'uploaded', round: n, manifest: manifestOf(3) })
      .tell(`sent-${n}`, { type: 'update-sent', round: n })
  }
  verdict(n: number, paid: 'full' | 'part' | 'none'): this {
    return this.tell(`verdict-${n}`, {
      type: 'verdict',
      event: `verdict-${n}`,
      from: J,
      verdict: verdict(n, paid),
    })
  }
  redeemed(n: number): this {
    return this.tell(`redeemed-${n}`, { type: 'redeemed', round: n, sats: sats(10), fee: sats(1) })
  }
}
