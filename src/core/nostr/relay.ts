import type { Seconds } from '../../shared/units.ts'
import type { KeyPair } from '../identity/index.ts'
import { Authentication } from './authentication.ts'
import { Connection, type ConnectionState } from './connection.ts'
import type { NostrEvent } from './event.ts'
import type { Frame } from './frames.ts'
import { type Answer, Offering } from './offering.ts'
import type { Outbox } from './outbox.ts'
import { Publishing } from './publishing.ts'
import { Sync, type SyncOptions } from './syncing.ts'
import type { Timings } from './timings.ts'
import type { Windows } from './windows.ts'

/** So many forgeries or unwanted events, and a relay is hung up on. */
const PATIENCE = 50

interface RelayDependencies {
  outbox: Outbox
  windows: Windows
  /** The session key that has this connection to itself; empty: the identity's. */
  via: string
  /** The key itself, once it is known. */
  key: () => KeyPair | undefined
  now: () => Seconds
  random: () => number
  timings: Timings
  delivered: (id: string) => void
  log: (message: string) => void
}

export interface RelayStatus {
  url: string
  state: ConnectionState
  /** What a person should know: why it waits, or what it refuses. */
  detail?: string
  /** Events this relay has not taken yet. */
  pending: number
}

/** One connection to one relay, and all that goes through it. */
export class Relay {
  readonly url: string
  readonly via: string
  readonly #of: RelayDependencies
  readonly #connection: Connection
  readonly #authentication: Authentication
  readonly #offering: Offering
  readonly #publishing: Publishing
  readonly #syncs = new Set<Sync>()
  readonly #opening = new Set<() => void>()
  #offences = 0
  #requests = 0
  #probes = 0

  constructor(url: string, of: RelayDependencies) {
    this.url = url
    this.via = of.via
    this.#of = of
    const { outbox, via, key, now, timings, random, delivered, log } = of
    const send = (message: unknown[]) => this.#connection.send(message)
    this.#authentication = new Authentication({ url, send, key, now, patience: timings.answer })
    const authenticate = () => this.#authentication.authenticate()
    this.#offering = new Offering(send, authenticate, timings.answer)
    const isOpen = () => this.#connection.state === 'open'
    this.#publishing = new Publishing(
      { url, via, isOpen, timings, random, delivered, trouble: log },
      outbox,
      this.#offering,
    )
    this.#connection = new Connection(url, timings, random, {
      opened: () => this.#opened(),
      frame: frame => this.#frame(frame),
      lost: () => this.#lost(),
      alive: () => this.#each(sync => sync.alive()),
    })
  }

  get isUsed(): boolean {
    return this.#syncs.size > 0 || this.#probes > 0 || this.#publishing.pending > 0
  }

  pump(): void {
    this.#publishing.pump()
  }
  wake(): void {
    this.#connection.wake()
  }
  /** A key that is known now may open what was refused. */
  retry(): void {
    this.#publishing.opened()
    this.#each(sync => sync.retry())
  }

  subscribe(options: SyncOptions): Sync {
    const { timings, random, now, windows, log } = this.#of
    const link = {
      url: this.url,
      send: (message: unknown[]) => this.#connection.send(message),
      isOpen: () => this.#connection.state === 'open',
      authenticate: () => this.#authentication.authenticate(),
      now,
      timings,
      random,
      report: log,
      offended: () => this.#offended(),
      nextId: () => `g${++this.#requests}`,
    }
    const sync = new Sync(link, windows, options)
    this.#syncs.add(sync)
    // A relay that is being waited for, or refuses, cannot be synced for now.
    if (this.#connection.state === 'waiting' || this.#connection.state === 'refused') sync.lost()
    sync.opened()
    return sync
  }
  unsubscribe(sync: Sync): void {
    sync.close()
    this.#syncs.delete(sync)
  }

  /** Offers an event once, past the outbox. */
  async probe(event: NostrEvent): Promise<Answer> {
    this.#probes++
    try {
      if (!(await this.#whenOpen()))
        return { verdict: 'later', reason: this.#connection.detail ?? 'the relay cannot be reached' }
      return await this.#offering.offer(event)
    } finally {
      this.#probes--
    }
  }

  status(): RelayStatus {
    const refusals = [...this.#syncs].flatMap(sync => sync.refusal ?? [])
    const { state } = this.#connection
    const detail = this.#connection.detail ?? refusals[0] ?? this.#publishing.refusal
    return {
      url: this.url,
      state: state === 'open' && refusals.length > 0 ? 'refused' : state,
      ...(detail === undefined ? {} : { detail }),
      pending: this.#publishing.pending,
    }
  }

  async close(): Promise<void> {
    this.#each(sync => sync.close())
    this.#publishing.close()
    this.#offering.lost()
    this.#authentication.lost()
    for (const go of this.#opening) go()
    await this.#connection.close()
  }

  #opened(): void {
    this.#offences = 0
    for (const go of this.#opening) go()
    this.#publishing.opened()
    this.#each(sync => sync.opened())
  }

  #lost(): void {
    this.#authentication.lost()
    this.#offering.lost()
    for (const go of this.#opening) go()
    this.#each(sync => sync.lost())
  }

  #frame(frame: Frame): void {
    if (frame.type === 'AUTH') this.#authentication.challenged(frame.challenge)
    else if (frame.type === 'NOTICE') this.#of.log(`${this.url} says: ${frame.text}`)
    else if (frame.type === 'OK') {
      if (this.#authentication.answered(frame.id, frame.ok)) return
      this.#offering.answered(frame.id, frame.ok, frame.reason)
    } else this.#each(sync => sync.frame(frame))
  }

  #offended(): void {
    if (++this.#offences < PATIENCE) return
    this.#offences = 0
    this.#of.log(`${this.url} keeps sending forged or unwanted events: hung up.`)
    this.#connection.punish('it sends forged or unwanted events')
  }

  /** @returns whether it is open, once that is known */
  #whenOpen(): Promise<boolean> {
    const isOpen = () => this.#connection.state === 'open'
    if (this.#connection.state !== 'connecting') return Promise.resolve(isOpen())
    return new Promise(resolve => {
      const go = () => {
        this.#opening.delete(go)
        resolve(isOpen())
      }
      this.#opening.add(go)
    })
  }

  #each(act: (sync: Sync) => void): void {
    for (const sync of [...this.#syncs]) act(sync)
  }
}
