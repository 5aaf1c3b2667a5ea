import { UserError } from '../../shared/errors.ts'
import type { Outbox } from './outbox.ts'

interface Waiter {
  resolve: () => void
  reject: (error: UserError) => void
}

/** Who waits for the first OK to an event. */
export class Deliveries {
  readonly #outbox: Outbox
  readonly #waiters = new Map<string, Waiter[]>()
  readonly #empty = new Set<() => void>()

  constructor(outbox: Outbox) {
    this.#outbox = outbox
  }

  /** @throws UserError `nostr/not-delivered` when it expired first, or was never published */
  of(id: string): Promise<void> {
    const state = this.#outbox.state(id)
    if (state === 'delivered') return Promise.resolve()
    if (state === 'unknown') return Promise.reject(lost(id))
    return new Promise((resolve, reject) => {
      this.#waiters.set(id, [...(this.#waiters.get(id) ?? []), { resolve, reject }])
    })
  }

  delivered(id: string): void {
    for (const { resolve } of this.#waiters.get(id) ?? []) resolve()
    this.#waiters.delete(id)
    if (this.#empty.size > 0 && this.#outbox.undelivered() === 0) for (const go of this.#empty) go()
  }

  /** @returns false when events are still undelivered after `timeoutMs` */
  allWithin(timeoutMs: number): Promise<boolean> {
    if (this.#outbox.undelivered() === 0) return Promise.resolve(true)
    return new Promise(resolve => {
      const done = () => {
        clearTimeout(timer)
        this.#empty.delete(done)
        resolve(this.#outbox.undelivered() === 0)
      }
      const timer = setTimeout(done, timeoutMs)
      this.#empty.add(done)
    })
  }

  /** Tells those who wait for an event that is gone: expired, or rolled back. */
  sweep(): void {
    for (const [id, waiters] of this.#waiters) {
      if (this.#outbox.state(id) === 'open') continue
      this.#waiters.delete(id)
      for (const { reject } of waiters) reject(lost(id))
    }
    if (this.#empty.size > 0 && this.#outbox.undelivered() === 0) for (const go of this.#empty) go()
  }

  close(): void {
    for (const waiters of this.#waiters.values())
      for (const { reject } of waiters)
        reject(
          new UserError('nostr/closed', {
            message: 'Gradstr was closed before a relay took the event.',
            fix: 'Nothing: it is sent when Gradstr runs again.',
          }),
        )
    this.#waiters.clear()
    for (const go of this.#empty) go()
  }
}

const lost = (id: string) =>
  new UserError('nostr/not-delivered', {
    message: `No relay took event ${id} before it expired.`,
    fix: 'Check the connection and the list of relays, or add another relay.',
  })
