import { randomBytes } from 'node:crypto'
import type { ErrorReport } from '../../../shared/errors.ts'
import { type Seconds, seconds } from '../../../shared/units.ts'
import { type Award, type Job, KIND, OFFER_LIFE, wire } from '../../market/index.ts'
import {
  coordinateOf,
  GIFT_WRAP,
  type NostrEvent,
  sign,
  unwrapSigned,
  WRAP_SLACK,
} from '../../nostr/index.ts'
import { microBatchFor } from '../../training/index.ts'
import { heed } from '../heed.ts'
import type { Entry } from '../machine.ts'
import { Runner } from '../runner.ts'
import type { Tools } from '../tools.ts'
import { providerActs, roomOf } from './acts.ts'
import { providerMachine } from './advance.ts'
import { consider, type Terms } from './consider.ts'
import type { ProviderEffect, ProviderFact } from './log.ts'
import { type Candidate, type Engagement, openShare } from './state.ts'

export interface ProviderWatch {
  onChange?: (id: string, engagement: Engagement, entry: Entry<ProviderFact>) => void
  onTrouble?: (id: string, what: string, error: ErrorReport, retryInMs: number) => void
  /** Why a job was passed over, in words. */
  onPass?: (job: Job, why: string) => void
}

type ProviderRunner = Runner<Engagement, ProviderFact, ProviderEffect>

/** Bids out at the same time: each costs connections, memory and mining. */
const mostBids = 32
/** Offers are renewed well before they expire: an expired offer is a dead provider. */
const renewal = OFFER_LIFE / 3
const d = 'default'

/** The earning side of this home: an offer, bids on what fits, and every engagement that follows. */
export class ProviderService {
  readonly #tools: Tools
  readonly #terms: Terms
  readonly #watch: ProviderWatch
  readonly #runners = new Map<string, ProviderRunner>()
  readonly #subscriptions: { close(): void }[] = []
  #offer = ''
  #renewing: NodeJS.Timeout | undefined
  #stopping = false

  constructor(tools: Tools, terms: Terms, watch: ProviderWatch = {}) {
    this.#tools = tools
    this.#terms = terms
    this.#watch = watch
  }

  /** Takes up engagements of before, then offers and listens. */
  start(): void {
    const { journal, relays, now } = this.#tools
    for (const { id, closedAt } of journal.jobs('provider')) if (closedAt === null) this.#open(id)
    this.#introduce()
    this.#renew()
    this.#subscriptions.push(
      relays.subscribe({
        name: 'jobs',
        fresh: true,
        urls: this.#terms.relays,
        filter: { kinds: [KIND.JOB], since: now() - 24 * 3600 },
        handler: event => heed(this.#tools, event, job => this.#hearJob(job)),
      }),
    )
  }

  get engagements(): { id: string; engagement: Engagement }[] {
    return [...this.#runners].map(([id, runner]) => ({ id, engagement: runner.state }))
  }

  /** Whether any engagement is past its award and not over. */
  get busy(): boolean {
    return this.engagements.some(({ engagement: e }) => e.phase === 'engaged' || e.phase === 'deciding')
  }

  /** Whether this machine's compute is promised. A round whose verdict is overdue keeps its lock, not the machine. */
  get #working(): boolean {
    const now = this.#tools.now()
    return this.engagements.some(({ engagement }) => {
      const { phase } = engagement
      const open = openShare(engagement)
      const overdue = open?.status === 'sent' && now > open.round.times.releaseBy
      return (phase === 'engaged' || phase === 'deciding') && !overdue
    })
  }

  /** Leaves what is under way politely: locks go back, delivered work is still waited for until `close`. */
  stop(): void {
    this.#stopping = true
    clearTimeout(this.#renewing)
    for (const runner of this.#runners.values()) runner.append('stop', { type: 'stop' })
  }

  async close(): Promise<void> {
    this.#stopping = true
    clearTimeout(this.#renewing)
    for (const subscription of this.#subscriptions) subscription.close()
    await Promise.all([...this.#runners.values()].map(runner => runner.close()))
  }

  /** NIP-89: other Nostr apps find who handles jobs. */
  #introduce(): void {
    const { relays, keyring, now } = this.#tools
    const content = {
      name: 'Gradstr provider',
      about: 'Trains machine-learning models, paid per round in sats.',
    }
    const event = sign(
      wire.announcement.template(content, { at: now(), d: 'gradstr' }),
      keyring.identity.secret,
    )
    relays.publish(event, this.#terms.relays)
  }

  #renew(): void {
    const { relays, keyring, now } = this.#tools
    const {
      device,
      flopsPerSecond,
      memory,
      price,
      maxDownload,
      strangers,
      mints,
      blossoms,
      relays: urls,
    } = this.#terms
    const content = {
      device,
      engines: [{ name: 'cpu', flopsPerSecond }],
      memory,
      price,
      maxDownload,
      strangers: { fraction: strangers },
      mints,
      blossoms,
      relays: urls,
    }
    const event = sign(
      wire.offer.template(content, { at: now(), d, expiration: seconds(now() + OFFER_LIFE - 5) }),
      keyring.identity.secret,
    )
    this.#offer = event.id
    relays.publish(event, urls)
    this.#renewing = setTimeout(() => this.#renew(), renewal * 1000)
  }

  #hearJob(event: NostrEvent): void {
    const { keyring, now } = this.#tools
    const job = wire.job.parse(event)
    const coordinate = coordinateOf(event)
    if (event.pubkey === keyring.identity.pubkey) return
    for (const runner of this.#runners.values())
      if (runner.state.candidate?.coordinate === coordinate && job.epoch > runner.state.epoch)
        runner.append(event.id, { type: 'superseded', epoch: job.epoch })
    if (job.status !== 'open' || job.deadline <= now() || this.#stopping) return
    const standing = [...this.#runners.values()].some(
      ({ state }) => state.candidate?.coordinate === coordinate && state.candidate.version === event.id,
    )
    if (standing) return
    if (
      this.engagements.filter(({ engagement: e }) => e.phase === 'bidding' || e.phase === 'waiting').length >=
      mostBids
    )
      return this.#watch.onPass?.(job, `${mostBids} bids are out already`)
    const { acquaintances } = this.#tools
    const passed = this.#distrust(event.pubkey)
    const known = acquaintances.of(event.pubkey, 'customer').roundsPaid
    const fit =
      passed ?? consider(event, job, { terms: this.#terms, offer: { id: this.#offer, d }, known, now: now() })
    if (typeof fit === 'string') return this.#watch.onPass?.(job, fit)
    const id = randomBytes(16).toString('hex')
    const candidate: Candidate = { ...fit, bid: { ...fit.bid, ...this.#keysOf(id) } }
    const runner = this.#open(id)
    runner.append('considered', { type: 'considered', candidate })
  }

  #keysOf(id: string): { key: string; payments: string } {
    const { keyring } = this.#tools
    return { key: keyring.engagement(id).pubkey, payments: keyring.payments(id).xpub }
  }

  #open(id: string): ProviderRunner {
    const { journal, relays, keyring, now } = this.#tools
    const runner: ProviderRunner = new Runner({
      id,
      side: 'provider',
      machine: providerMachine,
      journal,
      now,
      perform: providerActs(id, this.#tools, this.#terms, () => runner.state),
      onChange: (state, entry) => this.#watch.onChange?.(id, state, entry),
      onTrouble: (effect, error, ms) => this.#watch.onTrouble?.(id, effect.type, error, ms),
    })
    this.#runners.set(id, runner)
    const p = keyring.engagement(id)
    const listen = (name: string, kinds: number[], handle: (event: NostrEvent) => void, slack?: Seconds) =>
      relays.subscribe({
        name: `${name}:${id}`,
        as: p,
        urls: this.#terms.relays,
        filter: { kinds, '#p': [p.pubkey] },
        handler: event => heed(this.#tools, event, handle),
        ...(slack === undefined ? {} : { slack }),
      })
    const subscriptions = [
      listen(
        'award',
        [GIFT_WRAP],
        event => this.#hearAward(runner, unwrapSigned(event, p.secret), p.pubkey),
        WRAP_SLACK,
      ),
      listen('session', [KIND.ROUND, KIND.VERDICT, KIND.LEAVE], event => hearSession(runner, event, p)),
    ]
    this.#subscriptions.push(...subscriptions)
    void runner.settled
      .finally(() => {
        for (const subscription of subscriptions) subscription.close()
      })
      .catch(error => this.#tools.log(`engagement ${id} broke: ${error}`))
    runner.start()
    return runner
  }

  #hearAward(runner: ProviderRunner, inner: NostrEvent, me: string): void {
    const award = wire.award.parse(inner, { to: me })
    if (inner.pubkey !== runner.state.candidate?.customer) return
    const misfit = this.#distrust(inner.pubkey, runner) ?? this.#misfit(award)
    const busy = this.#working && runner.state.phase === 'waiting'
    runner.append(inner.id, {
      type: 'award',
      event: inner.id,
      award,
      busy: busy || this.#stopping,
      ...(misfit ? { misfit } : {}),
    })
  }

  /** Why nothing more is risked with this customer, by what this home has lived through with it. */
  #distrust(customer: string, engaging?: ProviderRunner): string | undefined {
    const { acquaintances, now } = this.#tools
    const { roundsPaid, roundsUnpaid, roundsRejected } = acquaintances.of(customer, 'customer')
    if (roundsUnpaid > 0) return 'This customer left a round unpaid before.'
    if (roundsRejected > roundsPaid) return 'This customer rejected more work than it paid for.'
    for (const runner of this.#runners.values()) {
      if (runner === engaging || runner.state.candidate?.customer !== customer) continue
      const open = openShare(runner.state)
      if (open && (engaging || now() > open.round.times.releaseBy))
        return 'A round with this customer is not redeemed yet.'
    }
    return undefined
  }

  #misfit(award: Award): string | undefined {
    const { spec, shard } = award
    if (microBatchFor(spec, shard.rows, roomOf(this.#terms), this.#terms.engine)) return undefined
    return `The work does not fit into the ${this.#terms.memory} bytes of memory that this machine offers, not even row by row.`
  }
}

function hearSession(
  runner: ProviderRunner,
  event: NostrEvent,
  p: { secret: Uint8Array; pubkey: string },
): void {
  const from = runner.state.candidate?.job.key
  if (from === undefined || event.pubkey !== from) return
  const sides = { me: p, from }
  if (event.kind === KIND.ROUND)
    runner.append(event.id, {
      type: 'round',
      event: event.id,
      from,
      at: seconds(event.created_at),
      round: wire.round.open(event, sides),
    })
  else if (event.kind === KIND.VERDICT)
    runner.append(event.id, {
      type: 'verdict',
      event: event.id,
      from,
      verdict: wire.verdict.open(event, sides),
    })
  else runner.append(event.id, { type: 'leave', event: event.id, from, leave: wire.leave.open(event, sides) })
}
