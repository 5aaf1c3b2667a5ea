import { makeAuthEvent } from 'nostr-tools/nip42'
import type { Seconds } from '../../shared/units.ts'
import type { KeyPair } from '../identity/index.ts'
import { sign } from './event.ts'

export interface AuthenticationLink {
  url: string
  send(message: unknown[]): void
  /** Known keys, the preferred one first. */
  keys(): KeyPair[]
  now(): Seconds
  /** Milliseconds until a relay must have answered. */
  patience: number
}

/**
 * NIP-42 on one connection, only when a relay insists, and only with the keys that a message is about: to show
 * it several keys unasked would tell who is behind them.
 */
export class Authentication {
  readonly #link: AuthenticationLink
  #challenge: string | undefined
  /** Public key → whether the relay takes it; one attempt each per challenge. */
  #known = new Map<string, Promise<boolean>>()
  #answers = new Map<string, (ok: boolean) => void>()
  #waiting = new Set<() => void>()

  constructor(link: AuthenticationLink) {
    this.#link = link
  }

  challenged(challenge: string): void {
    if (challenge === this.#challenge) return
    this.#challenge = challenge
    this.#known.clear()
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
    this.#known.clear()
    for (const answer of this.#answers.values()) answer(false)
    for (const go of this.#waiting) go()
  }

  /**
   * Shows the relay those of our keys that are among `pubkeys`. Where there is no name to go by (a gift wrap is signed
   * by a key that is thrown away), the preferred one.
   * @returns whether the relay took at least one
   */
  async authenticate(pubkeys: string[] | 'anyone'): Promise<boolean> {
    const all = this.#link.keys()
    const chosen = pubkeys === 'anyone' ? all.slice(0, 1) : all.filter(key => pubkeys.includes(key.pubkey))
    if (chosen.length === 0) return false
    const challenge = this.#challenge ?? (await this.#nextChallenge())
    if (challenge === undefined) return false
    const results = await Promise.all(chosen.map(key => this.#show(key, challenge)))
    return results.includes(true)
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
    const known = this.#known.get(key.pubkey)
    if (known) return known
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
    this.#known.set(key.pubkey, answer)
    send(['AUTH', event])
    return answer
  }
}
