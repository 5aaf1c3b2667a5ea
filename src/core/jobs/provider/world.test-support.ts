import { sats, seconds } from '../../../shared/units.ts'
import type { Round } from '../../market/index.ts'
import { manifestOf } from '../customer/fold.test-support.ts'
import { frozen } from '../frozen.test-support.ts'
import { type Entry, replay } from '../machine.ts'
import { providerMachine } from './advance.ts'
import { award, candidate, J, round, verdict } from './fold.test-support.ts'
import type { ProviderEffect, ProviderFact } from './log.ts'

/** What the customer makes of one round. */
export const conducts = [
  'pays',
  /** The verdict is on its way for so long that the next round is there before it. */
  'pays-late',
  'pays-part',
  'rejects',
  'is-silent',
  /** Says paid in full, and releases nothing, or less. */
  'pays-nothing',
  'pays-short',
  /** Its lock is to other keys. */
  'locks-badly',
  /** Its shard or weights are on no server. */
  'serves-nothing',
  /** Releases, and takes the lock back itself before the provider is there. */
  'spends-itself',
  'leaves',
  /** Sends the next round before it has paid this one, which it never does. */
  'hurries',
] as const
export type Conduct = (typeof conducts)[number]

/** Seconds by which a late verdict comes after its round's end; less than the next round has for its work. */
const verdictDelay = 15

/** How the mint saw a lock end. */
export interface Lock {
  price: number
  accepted: boolean
  trained: boolean
  delivered: boolean
  redeemed: number
  /** The customer has the provider's signatures for what was not released. */
  givenBack: boolean
  refused: boolean
}

/**
 * A world around the provider's fold: a customer of the given conduct in each round, relays that deliver its words in
 * the order `pick` says, and again and again; a mint, servers and a worker. Effects are carried out as the runner does:
 * what the outside did stays done when the process dies, the outcome is lost if it was not written down.
 */
export class ProviderWorld {
  state = providerMachine.initial
  readonly log: Entry<ProviderFact>[] = []
  readonly pending = new Map<string, ProviderEffect>()
  readonly asked = new Set<string>()
  readonly locks = new Map<number, Lock>()
  /** On their way, and those that came: a relay gives them again. */
  readonly words: { id: string; fact: ProviderFact; from: number }[] = []
  readonly told: { id: string; fact: ProviderFact }[] = []
  clock = 1000
  /** Called after every entry. */
  check: () => void = () => {}
  readonly conduct: readonly Conduct[]
  readonly #pick: (n: number) => number

  constructor(conduct: readonly Conduct[], pick: (n: number) => number = () => 0) {
    this.conduct = conduct
    this.#pick = pick
    this.tell('considered', { type: 'considered', candidate })
  }

  /** @returns false when the log has this entry already */
  tell(id: string, fact: ProviderFact): boolean {
    if (this.log.some(known => known.id === id)) return false
    const entry = { id, at: seconds(this.clock), fact }
    this.log.push(entry)
    const [state, effects] = providerMachine.advance(frozen(this.state), entry)
    this.state = state
    for (const effect of effects) {
      if (this.asked.has(effect.id)) continue
      this.asked.add(effect.id)
      this.pending.set(effect.id, effect)
    }
    this.check()
    return true
  }

  /** The process dies with all it has in memory, and comes back: the log and what is pending are on disk. */
  restart(): void {
    this.state = replay(providerMachine, JSON.parse(JSON.stringify(this.log)) as Entry<ProviderFact>[])
    for (const { id, fact } of this.told) this.tell(id, fact)
  }

  /** One thing happens: an effect is carried out, or a word arrives. @returns false when there is nothing to happen */
  step(): boolean {
    const here = this.words.filter(({ from }) => from <= this.clock)
    const effects = [...this.pending.values()]
    const n = here.length + effects.length
    if (n === 0) return false
    const chosen = this.#pick(n)
    const word = here[chosen - effects.length]
    if (word) this.#hear(word)
    else this.#carryOut(effects[chosen]!, true)
    return true
  }

  /** An effect is carried out outside, and the process dies before it can write so down. */
  dieInEffect(): void {
    const effects = [...this.pending.values()]
    const effect = effects[this.#pick(effects.length || 1)]
    if (effect) this.#carryOut(effect, false)
    this.restart()
  }

  wake(): boolean {
    const moments = this.words.map(({ from }) => from)
    const wake = providerMachine.wakeAt(this.state)
    if (wake !== undefined) moments.push(wake)
    if (moments.length === 0) return false
    this.clock = Math.max(this.clock + 1, Math.min(...moments))
    return this.tell(`tick:${this.clock}`, { type: 'tick' })
  }

  send(id: string, fact: ProviderFact, from = this.clock): void {
    if (!this.words.some(word => word.id === id)) this.words.push({ id, fact, from })
  }

  #hear(word: { id: string; fact: ProviderFact; from: number }): void {
    this.words.splice(this.words.indexOf(word), 1)
    this.told.push(word)
    this.tell(word.id, word.fact)
  }

  #carryOut(effect: ProviderEffect, survives: boolean): void {
    const abandoned = providerMachine.abandoned(this.state, effect)
    const outcome = abandoned ? {} : this.#perform(effect)
    if (!survives) return
    this.pending.delete(effect.id)
    outcome.commit?.()
    if (outcome.fact) this.tell(`done:${effect.id}`, outcome.fact)
  }

  /** What the outside does now, and what happens in the commit of the outcome. May be called again. */
  #perform(effect: ProviderEffect): { fact?: ProviderFact; commit?: () => void } {
    const { type } = effect
    if (type === 'bid')
      return {
        fact: { type: 'bid-sent', bid: 'bid' },
        commit: () => this.send('award', { type: 'award', event: 'award', award: award(), busy: false }),
      }
    if (type === 'answer')
      return { fact: { type: 'answered' }, commit: () => effect.accept && this.sendRound(1) }
    if (type === 'leave') return { fact: { type: 'left' } }
    if (type === 'receipt') return {}
    if (type === 'clean-up') return { fact: { type: 'cleaned' } }
    return this.#performOnRound(effect)
  }

  #performOnRound(effect: Extract<ProviderEffect, { round: number }>): {
    fact: ProviderFact
    commit?: () => void
  } {
    const { round: n } = effect
    const lock = this.locks.get(n)!
    const conduct = this.conduct[n - 1]!
    const refused = (code: string): { fact: ProviderFact } => ({
      fact: { type: 'refused', round: n, code, reason: code },
    })
    switch (effect.type) {
      case 'check-lock':
        if (conduct === 'locks-badly') return refused('payments/lock-keys')
        lock.accepted = true
        return { fact: { type: 'lock-accepted', round: n } }
      case 'fetch':
        if (conduct === 'serves-nothing') return refused('blobs/too-large')
        return { fact: { type: 'fetched', round: n, shard: 'shard' } }
      case 'train':
        lock.trained = true
        return {
          fact: { type: 'trained', round: n, steps: 25, losses: [1], checkpoints: [], path: 'u' },
          commit: () => conduct === 'leaves' && this.#leave(n),
        }
      case 'upload':
        return { fact: { type: 'uploaded', round: n, manifest: manifestOf(3) } }
      case 'send-update':
        return { fact: { type: 'update-sent', round: n }, commit: () => this.#judge(n) }
      case 'redeem':
        return this.#redeem(n, lock, conduct)
      case 'give-back':
        return { fact: { type: 'left' }, commit: () => void Object.assign(lock, { givenBack: true }) }
    }
  }

  #redeem(n: number, lock: Lock, conduct: Conduct): { fact: ProviderFact } {
    if (conduct === 'spends-itself') {
      lock.refused = true
      return { fact: { type: 'redeem-refused', round: n, reason: 'The lock was spent by the customer.' } }
    }
    const part = conduct === 'pays-part' || conduct === 'pays-short'
    lock.redeemed = part ? Math.floor(lock.price / 2) : lock.price
    return {
      fact: { type: 'redeemed', round: n, sats: sats(lock.redeemed), fee: sats(1) },
    }
  }

  sendRound(n: number): void {
    if (n > this.conduct.length || this.locks.has(n)) return
    const at = this.clock
    const times: Round['times'] = {
      startBy: seconds(at + 10),
      deadline: seconds(at + 20),
      releaseBy: seconds(at + 30),
      redeemBy: seconds(at + 40),
      locktime: seconds(at + 200),
    }
    const content = round(n, { times })
    const [trained, accepted, delivered, givenBack, refused] = [false, false, false, false, false]
    this.locks.set(n, { price: content.price, redeemed: 0, trained, accepted, delivered, givenBack, refused })
    const fact = { type: 'round', from: J, at: seconds(at), round: content } as const
    // A customer that came back from a crash signs the same words once more.
    for (const again of ['', '-again'])
      this.send(`round-${n}${again}`, { ...fact, event: `round-${n}${again}` })
  }

  #judge(n: number): void {
    this.locks.get(n)!.delivered = true
    const conduct = this.conduct[n - 1]!
    if (conduct === 'is-silent') return
    if (conduct === 'hurries') return this.sendRound(n + 1)
    const paid = conduct === 'rejects' ? 'none' : conduct === 'pays-part' ? 'part' : 'full'
    const content = { ...verdict(n, paid), ...(conduct === 'pays-nothing' ? { witnesses: [] } : {}) }
    for (const again of ['', '-again'])
      this.send(
        `verdict-${n}${again}`,
        {
          type: 'verdict',
          event: `verdict-${n}${again}`,
          from: J,
          verdict: content,
        },
        this.clock + (conduct === 'pays-late' ? verdictDelay : 0),
      )
    if (conduct === 'rejects') this.#leave(n)
    // A customer sends the next round with the verdict: which of the two comes first is the relays' affair.
    else this.sendRound(n + 1)
  }

  #leave(n: number): void {
    const leave = { award: 'award', code: 'rejected', reason: 'r' } as const
    this.send(`leave-${n}`, { type: 'leave', event: `leave-${n}`, from: J, leave })
  }
}

/** Runs a world to its end. @param dies  asked before every step whether the process dies there */
export function live(world: ProviderWorld, dies: () => boolean = () => false): void {
  for (let i = 0; i < 2000; i++) {
    if (dies()) world.dieInEffect()
    if (providerMachine.over(world.state) && world.pending.size === 0) return
    if (!world.step() && !world.wake()) break
  }
  throw new Error(`the engagement does not end: ${world.state.phase}, ${JSON.stringify(world.state.end)}`)
}
