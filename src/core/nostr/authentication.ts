import { makeAuthEvent } from 'nostr-tools/nip42'
import type { Seconds } from '../../shared/units.ts'
import type { KeyPair } from '../identity/index.ts'
import { sign } from './event.ts'

interface AuthenticationLink {
  url: string
  send(message: unknown[]): void
  /** The connection's own, once it is known. */
  key(): KeyPair | undefined
  now(): Seconds
  /** Milliseconds until a relay must have answered. */
  patience: number
}

/** NIP-42 on one connection, only when a relay insists, and only with the key that the connection is for. */
export class Authentication {
  readonly #link: AuthenticationLink
  #challenge: string | undefined
  /** Whether the relay takes the key; one attempt per challenge. */
  #shown: Promise<boolean> | undefined
  #answers = new Map<string, (ok: boolean) => void>()
  #waiting = new Set<() => void>()

  constructor(link: AuthenticationLink) {
    this.#link = link
  }

  challenged(challenge: string): void {
    if (challenge === this.#challenge) return
    this.#challenge = challenge
    this.#shown = undefined
    for (const go of this.#waiting) go()
  }

  /** @returns true when this OK was about an AUTH */
  answered(id: string, ok: boolean): boolean {
    const answer = this.#answers.get(id)
    answer?.(ok)
    return answer !== undefined
  }

  lost(): void {
    this.#challenge = undefined
    this.#shown = undefined
    for (const answer of this.#answers.values()) answer(false)
    for (const go of this.#waiting) go()
  }

  /** @returns whether the relay took the key */
  async authenticate(): Promise<boolean> {
    if (this.#link.key() === undefined) return false
    const challenge = this.#challenge ?? (await this.#nextChallenge())
    const key = this.#link.key()
    if (challenge === undefined || key === undefined) return false
    this.#shown ??= this.#show(key, challenge)
    return this.#shown
  }

  #nextChallenge(): Promise<string | undefined> {
    return new Promise(resolve => {
      const done = () => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        resolve(this.#challenge)
      }
      const timer = setTimeout(done, this.#link.patience)
      this.#waiting.add(done)
    })
  }

  #show(key: KeyPair, challenge: string): Promise<boolean> {
    const { url, now, send, patience } = this.#link
    const event = sign({ ...makeAuthEvent(url, challenge), created_at: now() }, key.secret)
    const answer = new Promise<boolean>(resolve => {
      const done = (ok: boolean) => {
        clearTimeout(timer)
        this.#answers.delete(event.id)
        resolve(ok)
      }
      const timer = setTimeout(done, patience, false)
      this.#answers.set(event.id, done)
    })
    send(['AUTH', event])
    return answer
  }
}
