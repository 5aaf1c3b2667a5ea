import type { NostrEvent } from './event.ts'
import type { Answer, Offering } from './offering.ts'
import type { Outbox } from './outbox.ts'
import { backoff, type Timings } from './timings.ts'

/** So many events wait for one relay's OK at a time. */
const AT_ONCE = 32

interface PublishingLink {
  url: string
  via: string
  isOpen(): boolean
  timings: Timings
  random: () => number
  /** A relay said OK to this event for the first time. */
  delivered(id: string): void
  trouble(message: string): void
}

/** Empties the outbox into one relay, as far as that relay lets us. */
export class Publishing {
  /** The last refusal, for people. */
  refusal: string | undefined
  readonly #link: PublishingLink
  readonly #outbox: Outbox
  readonly #offering: Offering
  /** Failed tries of an event here, and when (monotonic milliseconds) it may be tried again. */
  #waits = new Map<string, { tries: number; until: number }>()
  #limited = { tries: 0, until: 0 }
  /** On their way to the disk, and then to the relay. */
  readonly #leaving = new Set<string>()
  /** More are due than may wait for an answer at a time. */
  #crowded = false
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(link: PublishingLink, outbox: Outbox, offering: Offering) {
    this.#link = link
    this.#outbox = outbox
    this.#offering = offering
  }

  get pending(): number {
    return this.#outbox.open(this.#link.url, this.#link.via).length
  }

  opened(): void {
    this.#waits.clear()
    this.pump()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  /** Sends what is due; what is not sets the alarm. */
  pump(): void {
    clearTimeout(this.#timer)
    if (this.#closed || !this.#link.isOpen()) return
    const now = performance.now()
    const open = this.#outbox.open(this.#link.url, this.#link.via)
    this.#forget(open)
    let next = Number.POSITIVE_INFINITY
    this.#crowded = false
    for (const id of open) {
      this.#crowded = this.#offering.underway + this.#leaving.size >= AT_ONCE
      if (this.#crowded) break
      const until = Math.max(this.#limited.until, this.#waits.get(id)?.until ?? 0)
      if (until > now) next = Math.min(next, until)
      else if (!this.#offering.has(id) && !this.#leaving.has(id)) this.#deliver(id)
    }
    // setTimeout cannot wait for ever; an early look does no harm
    if (next < Number.POSITIVE_INFINITY)
      this.#timer = setTimeout(() => this.pump(), Math.min(next - now, 600_000))
  }

  async #deliver(id: string): Promise<void> {
    const event = this.#outbox.event(id)
    if (!event) return
    const answer = await this.#send(id, event)
    if (this.#closed || answer === undefined) return
    if (answer.verdict === 'accepted') this.#accepted(id)
    else this.#failed(id, answer)
    // Not after every answer: looking through the outbox costs more than the answer did.
    const waiting = this.#crowded || answer.verdict !== 'accepted'
    if (waiting && this.#offering.underway <= AT_ONCE / 2) this.pump()
  }

  /** @returns undefined when the connection was lost before it left: it is sent over the next one */
  async #send(id: string, event: NostrEvent): Promise<Answer | undefined> {
    this.#leaving.add(id)
    try {
      await this.#outbox.persisted(event)
    } catch (error) {
      return { verdict: 'later', reason: `it is not on disk yet: ${error}` }
    } finally {
      this.#leaving.delete(id)
    }
    return this.#closed || !this.#link.isOpen() ? undefined : await this.#offering.offer(event)
  }

  #accepted(id: string): void {
    this.#waits.delete(id)
    this.#limited.tries = 0
    this.refusal = undefined
    if (this.#outbox.accept(id, this.#link.url)) this.#link.delivered(id)
  }

  #failed(id: string, { verdict, reason }: Exclude<Answer, { verdict: 'accepted' }>): void {
    const { timings, random, url, trouble } = this.#link
    const { retry, retryMax, rateLimited, refused } = timings
    const tries = (this.#waits.get(id)?.tries ?? 0) + 1
    if (verdict === 'rate-limited') {
      const wait = backoff(this.#limited.tries++, rateLimited, rateLimited * 32, random)
      this.#limited.until = performance.now() + wait
    } else if (verdict === 'later') {
      this.#waits.set(id, { tries, until: performance.now() + backoff(tries, retry, retryMax, random) })
    } else {
      this.#waits.set(id, { tries, until: performance.now() + refused })
      this.#outbox.refuse(id, url, reason)
    }
    this.refusal = reason
    if (verdict !== 'later') trouble(`${url} does not take event ${id}: ${reason}`)
  }

  #forget(open: string[]): void {
    if (this.#waits.size <= open.length) return
    const still = new Set(open)
    for (const id of this.#waits.keys()) if (!still.has(id)) this.#waits.delete(id)
  }
}
