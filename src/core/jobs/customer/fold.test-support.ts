import { type Bytes, type Sats, sats, seconds } from '../../../shared/units.ts'
import type { Manifest } from '../../blobs/index.ts'
import type { Figures } from '../../federation/index.ts'
import type { Bid } from '../../market/index.ts'
import { frozen } from '../frozen.test-support.ts'
import { type Entry, replay } from '../machine.ts'
import { customerMachine } from './advance.ts'
import type { CustomerEffect, CustomerFact } from './log.ts'
import type { CustomerJob, Plan } from './state.ts'

const hex = (n: number): string => n.toString(16).padStart(64, '0')

export const manifestOf = (n: number): Manifest => ({
  v: 1,
  key: hex(n),
  chunks: [{ sha256: hex(n), size: 116 }],
  sha256: hex(n),
  size: 100 as Bytes,
  type: 'application/octet-stream',
  servers: ['http://127.0.0.1:1'],
})

export const planOf = (providers: number, rounds: number): Plan => ({
  title: 'test',
  spec: {
    recipe: 'mlp',
    model: { inputs: 4, hidden: [8], outputs: 2 },
    task: 'classification',
    input: { dtype: 'f32', scale: 1, shift: 0 },
    batch: 8,
    optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0, weightDecay: 0 },
  },
  parameters: 58,
  rounds,
  steps: 100,
  pflopPerRound: 1e-9,
  shards: Array.from({ length: providers }, (_, i) => ({
    path: `shard-${i}`,
    rows: 100,
    bytes: 2000,
    sha256: hex(i),
  })),
  preparation: {},
  holdout: 'holdout',
  encoding: 'encoding',
  weights: 'w0',
  updateBytes: 400,
  maxPerRound: sats(100),
  cap: sats(100_000),
  quoted: sats(1000),
  strangers: 0.25,
  mint: 'http://127.0.0.1:3',
  blossoms: ['http://127.0.0.1:1'],
  relays: ['ws://127.0.0.1:2'],
  times: {
    hiring: seconds(4),
    answer: seconds(10),
    start: seconds(20),
    heartbeat: seconds(30),
    round: seconds(100),
    release: seconds(100),
    redeem: seconds(100),
    lock: seconds(1000),
  },
  rho: 0.5,
  bidWork: 0,
  deadline: seconds(20_000),
  seed: 1,
  practice: true,
  out: 'out',
})

const gain = (before: number, after: number) => ({
  before,
  after,
  gain: before - after,
  error: 0.001,
  rows: 100,
})
const goodFigures = (steps: number): Figures => ({
  steps,
  problem: null,
  finite: true,
  norm: 1,
  own: gain(1, 0.5),
  other: gain(1, 0.52),
  holdout: gain(1, 0.51),
  cosines: {},
  sketch: null,
})

/** How one simulated provider behaves. */
export type Character =
  | 'honest'
  | 'declines'
  | 'mute'
  | 'vanishes'
  | 'leaves'
  | 'harmful'
  /** Its update is signed in time and arrives long after. */
  | 'late'
  /** Its update is on no server. */
  | 'phantom'
  /** Leaves with signatures that open nothing, again and again. */
  | 'forger'
  /** Everybody of this character sends the very same update. */
  | 'copied'

/**
 * A world around the pure fold: it answers every effect the way relays, mints, workers and providers of the given
 * characters would. The order of answers is decided by `pick`, so that a property can shuffle it.
 */
export class World {
  job: CustomerJob = customerMachine.initial
  readonly log: Entry<CustomerFact>[] = []
  readonly asked = new Map<string, CustomerEffect>()
  /** Answers on their way to the job. */
  readonly inFlight: { id: string; fact: CustomerFact; from: number }[] = []
  /** What the mint saw: face value per lock, and how it ended. */
  readonly mint = new Map<string, { locked: number; released: number; refunded: number }>()
  /** Folders that no model can be written to. */
  readonly taken = new Set<string>()
  clock = 1000
  /** How often the job was taken up again: providers bid anew each time. */
  pauses = 0
  readonly plan: Plan
  readonly characters: Character[]
  readonly #pick: (n: number) => number
  /** What was done at the mint, by effect: asked again, it is not done again. */
  readonly #done = new Set<string>()
  #restarts = 0

  constructor(plan: Plan, characters: Character[], pick: (n: number) => number = () => 0) {
    this.plan = plan
    this.characters = characters
    this.#pick = pick
    this.tell('planned', { type: 'planned', plan, epoch: 1 })
  }

  tell(id: string, fact: CustomerFact): void {
    const entry = { id, at: seconds(this.clock), fact }
    if (this.log.some(known => known.id === id)) return
    this.log.push(entry)
    const [job, effects] = customerMachine.advance(frozen(this.job), entry)
    this.job = job
    for (const effect of effects) {
      if (this.asked.has(effect.id)) continue
      this.asked.set(effect.id, effect)
      if (!customerMachine.abandoned(job, effect)) this.#answer(effect)
    }
  }

  /**
   * The process dies and comes back: what its effects gave and was not written down is lost, and they are carried out
   * again. What others sent waits at the relays.
   */
  restart(): void {
    const lost = this.inFlight.filter(({ id }) => id.startsWith('done:'))
    for (const answer of lost) this.inFlight.splice(this.inFlight.indexOf(answer), 1)
    this.job = replay(customerMachine, JSON.parse(JSON.stringify(this.log)) as Entry<CustomerFact>[])
    const n = ++this.#restarts
    this.tell(`back:${n}`, { type: 'back' })
    this.tell(`caught-up:${n}`, { type: 'caught-up' })
    for (const { id } of lost) {
      const effect = this.asked.get(id.slice('done:'.length))!
      if (!customerMachine.abandoned(this.job, effect)) this.#answer(effect)
    }
  }

  #first(effect: CustomerEffect): boolean {
    const first = !this.#done.has(effect.id)
    this.#done.add(effect.id)
    return first
  }

  /** One answer reaches the job. @returns false when none is there yet */
  step(): boolean {
    const there = this.inFlight.filter(({ from }) => from <= this.clock)
    const next = there[this.#pick(there.length || 1)]
    if (!next) return false
    this.inFlight.splice(this.inFlight.indexOf(next), 1)
    this.tell(next.id, next.fact)
    return true
  }

  /** The process comes back after a pause or a crash. */
  goOn(): void {
    this.pauses += 1
    this.tell(`back-${this.pauses}`, { type: 'back' })
    this.tell(`caught-up-${this.pauses}`, { type: 'caught-up' })
  }

  /** Time passes to the next moment that matters. @returns false when there is none */
  wake(): boolean {
    const moments = this.inFlight.map(({ from }) => from)
    const wake = customerMachine.wakeAt(this.job)
    if (wake !== undefined) moments.push(wake)
    if (moments.length === 0) return false
    this.clock = Math.max(this.clock + 1, Math.min(...moments))
    this.tell(`tick:${this.clock}`, { type: 'tick' })
    return true
  }

  bidOf(provider: number): CustomerFact {
    const bid = {
      key: hex(500 + 1000 * this.pauses + provider),
      perRound: 10 + provider,
      secondsPerRound: 5,
      mints: [this.plan.mint],
      validUntil: 900_000,
      offer: { id: hex(1), d: 'd' },
      receipts: this.plan.receipts && provider % 2 === 0,
    }
    // The fold reads only these fields of a bid; the wire's parser has seen the others.
    return {
      type: 'bid',
      event: hex(100 + 1000 * this.pauses + provider),
      provider: hex(provider),
      bid: bid as unknown as Bid,
      known: 0,
    }
  }

  #send(id: string, fact: CustomerFact, from = this.clock): void {
    this.inFlight.push({ id, fact, from })
  }

  #characterOf(key: string): { from: string; award: string; character: Character } {
    const { bid, award } = this.job.engagements[key]!
    return {
      from: bid.bid.key,
      award: award ?? `award-${key}`,
      character: this.characters[Number.parseInt(bid.provider, 16)]!,
    }
  }

  #answer(effect: CustomerEffect): void {
    const done = (fact: CustomerFact): void => this.#send(`done:${effect.id}`, fact)
    switch (effect.type) {
      case 'announce':
        done({ type: 'announced', event: hex(9), relays: this.plan.relays, status: effect.status })
        if (effect.status === 'open')
          this.characters.forEach((_, i) => void this.#send(`bid-${i}-${this.pauses}`, this.bidOf(i)))
        return
      case 'award': {
        done({ type: 'awarded', key: effect.key, award: `award-${effect.key}` })
        return
      }
      case 'upload-shard':
        return done({ type: 'shard-ready', key: effect.key, manifest: manifestOf(1) })
      case 'upload-weights':
        return done({ type: 'weights-ready', round: effect.round, manifest: manifestOf(2) })
      case 'lock': {
        const amount = this.#priceOf(effect.key, effect.round)
        const taken = [...this.mint.values()].reduce((sum, lock) => sum + lock.locked - lock.refunded, 0)
        const there = this.mint.has(`${effect.key}:${effect.round}`)
        if (!there && taken + amount > this.plan.cap)
          return done({ type: 'lock-refused', key: effect.key, round: effect.round, reason: 'The cap.' })
        if (!there)
          this.mint.set(`${effect.key}:${effect.round}`, { locked: amount, released: 0, refunded: 0 })
        return done({ type: 'locked', key: effect.key, round: effect.round, amount, fee: sats(1) })
      }
      case 'send-round':
        return this.#deliverRound(effect)
      case 'fetch':
        if (this.#characterOf(effect.key).character === 'phantom')
          return this.#send(
            `done:${effect.id}`,
            {
              type: 'fetch-failed',
              key: effect.key,
              round: effect.round,
              reason: 'No server has it.',
              blame: false,
            },
            this.#work(effect.key, effect.round).times!.releaseBy,
          )
        return done({
          type: 'fetched',
          key: effect.key,
          round: effect.round,
          path: `u-${effect.key}-${effect.round}`,
        })
      case 'measure': {
        const { character } = this.#characterOf(effect.key)
        const harmful = character === 'harmful'
        const same = effect.others.filter(peer => this.#characterOf(peer).character === character)
        const cosines = character === 'copied' ? Object.fromEntries(same.map(peer => [peer, 1])) : {}
        const figures = { ...goodFigures(100), cosines }
        return done({
          type: 'measured',
          key: effect.key,
          round: effect.round,
          figures: harmful
            ? { ...figures, finite: false, norm: null, own: null, other: null, holdout: null }
            : figures,
        })
      }
      case 'reference':
        return done({
          type: 'referenced',
          key: effect.key,
          round: effect.round,
          reference: {
            steps: 50,
            curve: [
              { steps: 10, gain: gain(1, 0.9), along: 0.2 },
              { steps: 50, gain: gain(1, 0.6), along: 0.5 },
            ],
            norm: 1,
            holdout: gain(1, 0.6),
            along: 1.2,
            others: 0.3,
            keeps: 1,
            diverged: false,
          },
        })
      case 'release': {
        const verdict = this.#work(effect.key, effect.round).verdict!
        const lock = this.mint.get(`${effect.key}:${effect.round}`)!
        if (this.#first(effect)) lock.released += verdict.sats
        if (verdict.paid !== 'full')
          this.#send(`back-${effect.id}`, this.#leave(effect.key, effect.round, 'rejected'))
        return done({
          type: 'released',
          key: effect.key,
          round: effect.round,
          amount: verdict.sats,
          net: verdict.sats,
        })
      }
      case 'aggregate':
        return done({
          type: 'aggregated',
          round: effect.round,
          path: `w${effect.round}`,
          score: { metric: 'accuracy', value: 0.9, loss: 0.1 },
        })
      case 'refund': {
        const lock = this.mint.get(`${effect.key}:${effect.round}`)!
        const work = this.#work(effect.key, effect.round)
        const forged = work.givenBack?.some(witness => witness.signature === 'forged')
        // The mint's clock may be behind.
        if (forged || (this.clock > work.locktime && this.#pick(3) === 2))
          return done({
            type: 'refund-later',
            key: effect.key,
            round: effect.round,
            notBefore: seconds(forged ? work.locktime : this.clock + 60),
          })
        const rest = lock.locked - lock.released
        lock.refunded = rest
        return done({
          type: 'refunded',
          key: effect.key,
          round: effect.round,
          refunded: sats(rest),
          fee: sats(0),
        })
      }
      case 'leave': {
        const work = this.job.engagements[effect.key]!.works.at(-1)
        if (work?.status === 'sent' && this.#characterOf(effect.key).character === 'honest')
          this.#send(`bye-${effect.key}`, this.#leave(effect.key, work.round, 'done'))
        return done({ type: 'told' })
      }
      case 'receipt':
        // The mint may not know of the redemption at once.
        return this.#pick(3) === 2
          ? done({ type: 'receipt-later', key: effect.key, notBefore: seconds(this.clock + 2) })
          : done({ type: 'receipt-published', key: effect.key })
      case 'export':
        return this.taken.has(this.job.plan!.out)
          ? done({ type: 'export-failed', reason: 'The folder is taken.' })
          : done({ type: 'exported', report: { ok: true } })
      case 'checkpoint':
        return done({ type: 'saved', round: effect.round, keys: effect.keys, state: manifestOf(4) })
      default:
        return done({ type: 'told' })
    }
  }

  /** Providers answer and work, and one thing happens: the next fact in flight or, where none is, a timer. */
  turn(): void {
    this.answerAwards()
    this.work()
    if (!this.step()) this.wake()
  }

  /** What the provider of this engagement says to its award, once the customer knows that it was sent. */
  answerAwards(): void {
    for (const { key, status } of Object.values(this.job.engagements)) {
      if (status !== 'asked') continue
      const { from, award, character } = this.#characterOf(key)
      if (character === 'mute') continue
      const accept = character !== 'declines'
      this.#send(`answer-${key}`, {
        type: 'answer',
        event: `answer-${key}`,
        from,
        answer: { award, accept, code: 'x', reason: 'x' },
      })
    }
  }

  #deliverRound({ key, round, id }: Extract<CustomerEffect, { type: 'send-round' }>): void {
    const at = this.clock
    const { locktime } = this.#work(key, round)
    const times = {
      startBy: seconds(at + 20),
      deadline: seconds(at + 100),
      releaseBy: seconds(at + 200),
      redeemBy: seconds(at + 300),
      locktime,
    }
    this.#send(`done:${id}`, { type: 'round-sent', key, round, times })
  }

  /** What providers at work do, once the customer knows that the round was sent. */
  work(): void {
    for (const { key, works } of Object.values(this.job.engagements)) {
      const work = works.at(-1)
      if (work?.status !== 'sent') continue
      const { character } = this.#characterOf(key)
      if (character === 'vanishes') continue
      if (character === 'leaves')
        this.#send(`leave-${key}-${work.round}`, this.#leave(key, work.round, 'pause'))
      else if (character === 'forger')
        for (const again of [1, 2, 3, 4, 5])
          this.#send(`forged-${key}-${work.round}-${again}`, this.#leave(key, work.round, 'pause', 'forged'))
      else this.#deliver(key, work.round, character === 'late' ? this.clock + 150 : this.clock)
    }
  }

  #deliver(key: string, round: number, arrival: number): void {
    const { from, award } = this.#characterOf(key)
    const id = `update-${key}-${round}`
    if (this.log.some(entry => entry.id === id) || this.inFlight.some(message => message.id === id)) return
    const { steps } = this.#work(key, round)
    const fact: CustomerFact = {
      type: 'update',
      event: id,
      from,
      at: seconds(this.clock),
      update: { award, round, update: manifestOf(3), losses: [1], checkpoints: [], steps, parent: hex(1) },
    }
    this.#send(id, fact, arrival)
  }

  #leave(key: string, round: number, code: 'pause' | 'rejected' | 'done', signature = 'x'): CustomerFact {
    const { from, award } = this.#characterOf(key)
    return {
      type: 'leave',
      event: `leave-${key}-${round}`,
      from,
      leave: {
        award,
        round,
        code,
        reason: 'bye',
        witnesses: [{ secret: 's', signature }],
        parent: hex(1),
      },
    }
  }

  #work = (key: string, round: number) => this.job.engagements[key]!.works.find(work => work.round === round)!
  #priceOf = (key: string, round: number): Sats => this.#work(key, round).price
}

/**
 * Runs a world to its end, letting providers answer and work whenever nothing else happens.
 * @param dies  asked before every step whether the process dies there
 */
export function live(world: World, dies: () => boolean = () => false): boolean {
  for (let i = 0; i < 3000; i++) {
    if (dies()) world.restart()
    world.answerAwards()
    world.work()
    if (world.inFlight.length === 0 && customerMachine.over(world.job)) return true
    if (!world.step() && !world.wake()) return false
  }
  throw new Error(`the job does not end: ${world.job.phase}, round ${world.job.round}`)
}
