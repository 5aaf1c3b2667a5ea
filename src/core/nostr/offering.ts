import { isEphemeral, type NostrEvent } from './event.ts'
import { prefixOf } from './frames.ts'

/** What a relay made of an event. Only `accepted` counts as published. */
export type Answer =
  | { verdict: 'accepted' }
  | { verdict: 'later' | 'rate-limited' | 'unauthorised' | 'refused'; reason: string }

/** NIP-01's prefixes, and what relays really do (docs/protocol.md, relays). */
export function answerOf(event: NostrEvent, ok: boolean, reason: string): Answer {
  if (ok) return { verdict: 'accepted' }
  switch (prefixOf(reason)) {
    case 'duplicate':
      return { verdict: 'accepted' }
    case 'mute':
      // khatru, of an ephemeral event that nobody listened to: it was taken, and that is all one can ask.
      return isEphemeral(event.kind) ? { verdict: 'accepted' } : { verdict: 'refused', reason }
    case 'rate-limited':
      return { verdict: 'rate-limited', reason }
    case 'auth-required':
      return { verdict: 'unauthorised', reason }
    case 'error':
      return { verdict: 'later', reason }
    default:
      return { verdict: 'refused', reason: reason || 'refused without a reason' }
  }
}

/** Sends events over one connection and waits for the relay's OK to each. */
export class Offering {
  readonly #send: (message: unknown[]) => void
  readonly #authenticate: () => Promise<boolean>
  readonly #patience: number
  readonly #underway = new Map<
    string,
    { answer: Promise<Answer>; settle: (answer: Answer) => void; event: NostrEvent }
  >()

  constructor(send: (message: unknown[]) => void, authenticate: () => Promise<boolean>, patience: number) {
    this.#send = send
    this.#authenticate = authenticate
    this.#patience = patience
  }

  get underway(): number {
    return this.#underway.size
  }
  has(id: string): boolean {
    return this.#underway.has(id)
  }

  /** Authenticates once when the relay asks for it. Never rejects. */
  async offer(event: NostrEvent): Promise<Answer> {
    const answer = await this.#ask(event)
    if (answer.verdict !== 'unauthorised' || !(await this.#authenticate())) return answer
    return this.#ask(event)
  }

  answered(id: string, ok: boolean, reason: string): void {
    const asked = this.#underway.get(id)
    asked?.settle(answerOf(asked.event, ok, reason))
  }

  lost(): void {
    for (const { settle } of this.#underway.values())
      settle({ verdict: 'later', reason: 'the connection was lost' })
  }

  #ask(event: NostrEvent): Promise<Answer> {
    const known = this.#underway.get(event.id)
    if (known) return known.answer
    let settle: (answer: Answer) => void = () => {}
    const answer = new Promise<Answer>(resolve => {
      // Some relays answer a bad event late and with an empty id, or never.
      const timer = setTimeout(() => settle({ verdict: 'later', reason: 'no answer' }), this.#patience)
      settle = result => {
        clearTimeout(timer)
        this.#underway.delete(event.id)
        resolve(result)
      }
    })
    this.#underway.set(event.id, { answer, settle, event })
    this.#send(['EVENT', event])
    return answer
  }
}
