import type { Filter } from 'nostr-tools/filter'
import type { Seconds } from '../../shared/units.ts'
import { type Frame, prefixOf } from './frames.ts'
import { type Intake, take } from './intake.ts'
import { Paging } from './paging.ts'
import { backoff, type Timings } from './timings.ts'
import type { Windows } from './windows.ts'

interface SyncLink {
  url: string
  send(message: unknown[]): void
  isOpen(): boolean
  authenticate(): Promise<boolean>
  now(): Seconds
  timings: Timings
  random: () => number
  report(message: string): void
  /** It sent what nobody asked for, or a forgery. */
  offended(): void
  /** A subscription id not used before on this connection. */
  nextId(): string
}

export interface SyncOptions extends Intake {
  slack: Seconds
  /** Once: complete for the first time, or it cannot be for now. */
  settled: () => void
}

/**
 * One subscription at one relay: asks for what was missed, page by page, stays open for what comes, and moves the
 * persistent window only over what was handled to the end.
 */
export class Sync {
  /** Why the relay refuses this subscription, for people. */
  refusal: string | undefined
  /** Whether it was complete at any time. */
  answered = false
  readonly #link: SyncLink
  readonly #windows: Windows
  readonly #of: SyncOptions
  #live: string | undefined
  #page: string | undefined
  #paging = new Paging()
  #startedAt: Seconds
  #since: Seconds | undefined
  #complete = false
  #failed = false
  #authenticated = false
  #tries = 0
  #silence: NodeJS.Timeout | undefined
  #again: NodeJS.Timeout | undefined
  #closed = false

  constructor(link: SyncLink, windows: Windows, of: SyncOptions) {
    this.#link = link
    this.#windows = windows
    this.#of = of
    this.#startedAt = link.now()
  }

  opened(): void {
    if (this.#closed || !this.#link.isOpen()) return
    this.#stop()
    const { name, filter, slack } = this.#of
    const { url, now } = this.#link
    this.#startedAt = now()
    this.#since = laterOf(this.#windows.since(name, url, filter, slack), filter.since)
    this.#paging = new Paging()
    this.#live = this.#ask(this.#since === undefined ? filter : { ...filter, since: this.#since })
  }

  /** The key is known now: what was refused may be allowed. */
  retry(): void {
    this.#authenticated = false
    if (this.refusal !== undefined) this.opened()
  }

  /** Up to now everything came that the relay had. */
  alive(): void {
    if (this.#complete && !this.#failed) this.#save(this.#link.now())
  }

  lost(): void {
    this.#authenticated = false
    this.#stop()
    this.#of.settled()
  }

  close(): void {
    for (const id of [this.#live, this.#page]) if (id !== undefined) this.#link.send(['CLOSE', id])
    this.#stop()
    this.#closed = true
    this.#of.settled()
  }

  frame(frame: Frame): void {
    if (!('subscription' in frame)) return
    const { subscription } = frame
    if (subscription !== this.#live && subscription !== this.#page) return
    if (frame.type === 'EVENT') this.#event(subscription, frame.event)
    else if (frame.type === 'EOSE') this.#pageEnded(subscription)
    else if (frame.type === 'CLOSED') this.#refused(frame.reason)
  }

  #event(subscription: string, raw: unknown): void {
    const { now, report, offended } = this.#link
    const taken = take(this.#of, raw, this.#windows, now, report)
    if (taken === 'offence') {
      offended()
      return
    }
    if (!this.#complete && subscription === (this.#page ?? this.#live)) {
      this.#paging.add(raw)
      this.#awaitEnd()
    }
    if (taken !== 'failed' || this.#failed) return
    this.#failed = true
    this.#later('')
  }

  #pageEnded(subscription: string): void {
    if (this.#complete || subscription !== (this.#page ?? this.#live)) return
    if (this.#page !== undefined) this.#link.send(['CLOSE', this.#page])
    this.#page = undefined
    clearTimeout(this.#silence)
    const next = this.#paging.next()
    if (next === 'endless') this.#later('it has more stored events than can be believed')
    else if (next === 'complete' || next.until < (this.#since ?? 0)) this.#completed()
    else {
      const since = this.#since === undefined ? {} : { since: this.#since }
      this.#page = this.#ask({ ...this.#of.filter, ...since, until: next.until })
    }
  }

  #completed(): void {
    this.#complete = this.answered = true
    this.#paging = new Paging()
    this.refusal = undefined
    if (!this.#failed) {
      this.#tries = 0
      this.#save(this.#startedAt)
    }
    this.#of.settled()
  }

  async #refused(reason: string): Promise<void> {
    this.#stop()
    if (prefixOf(reason) === 'auth-required' || prefixOf(reason) === 'restricted') {
      // A second refusal with the key shown is an answer.
      if (!this.#authenticated && (await this.#link.authenticate())) {
        this.#authenticated = true
        return this.opened()
      }
    }
    this.#later(reason || 'the relay closed the subscription')
  }

  /** Asks anew after a while: because the relay refused or is silent, or because a handler failed. */
  #later(reason: string): void {
    if (this.#closed) return
    if (reason !== '') this.refusal = reason
    const { retry, retryMax, rateLimited, refused } = this.#link.timings
    const limited = prefixOf(reason) === 'rate-limited'
    const final = ['auth-required', 'restricted', 'blocked', 'invalid', 'unsupported'].includes(
      prefixOf(reason),
    )
    const wait = final
      ? refused
      : backoff(
          this.#tries++,
          limited ? rateLimited : retry,
          limited ? rateLimited * 32 : retryMax,
          this.#link.random,
        )
    clearTimeout(this.#again)
    this.#again = setTimeout(() => this.opened(), wait)
    this.#of.settled()
  }

  #ask(filter: Filter): string {
    const id = this.#link.nextId()
    this.#link.send(['REQ', id, filter])
    this.#awaitEnd()
    return id
  }

  #awaitEnd(): void {
    clearTimeout(this.#silence)
    this.#silence = setTimeout(() => this.#later('no end of stored events'), this.#link.timings.eose)
  }

  #save(at: Seconds): void {
    this.#windows.complete(this.#of.name, this.#link.url, this.#of.filter, at)
  }

  #stop(): void {
    clearTimeout(this.#silence)
    clearTimeout(this.#again)
    if (this.#page !== undefined) this.#link.send(['CLOSE', this.#page])
    if (this.#live !== undefined) this.#link.send(['CLOSE', this.#live])
    this.#live = this.#page = undefined
    this.#complete = this.#failed = false
  }
}

const laterOf = (a: Seconds | undefined, b: number | undefined): Seconds | undefined =>
  // both are unix seconds; NIP-01's filter does not brand them
  (a === undefined ? b : b === undefined ? a : Math.max(a, b)) as Seconds | undefined
