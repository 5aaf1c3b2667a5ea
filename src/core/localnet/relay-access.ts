import type {
  Client,
  ClientContext,
  Event,
  Filter,
  HandleMessageResult,
  IncomingMessage,
} from '@nostr-relay/common'
import { matchFilters, type Filter as NostrFilter } from 'nostr-tools/filter'
import { isEphemeral, isGenuine } from '../nostr/index.ts'
import { DELETION, expirationOf, type RelayEvents } from './relay-events.ts'

const maxEventBytes = 64 * 1024
const maxSecondsAhead = 15 * 60
/** NIP-42: an answer to a challenge, which is nobody else's business. */
const AUTHENTICATION = 22242

type Seat = { ctx: ClientContext; pubkeys: Set<string> }

/**
 * Who may read and write what: the plugin of @nostr-relay/core that
 * - takes events in by itself: the library checks signatures in JavaScript, tells nobody of deletion requests, and its
 *   matching of subscriptions ignores tag filters,
 * - keeps guarded kinds (gift wraps, when AUTH is on) for those they are addressed to (NIP-42, several keys a connection),
 * - refuses events that are too large, expired, ahead of time or deleted, before their signature is checked.
 */
export class RelayAccess {
  readonly #events: RelayEvents
  readonly #now: () => number
  readonly #guarded: readonly number[]
  readonly #seats = new Map<Client, Seat>()

  constructor(events: RelayEvents, options: { now: () => number; guarded: readonly number[] }) {
    this.#events = events
    this.#now = options.now
    this.#guarded = options.guarded
  }

  leave(client: Client): void {
    this.#seats.delete(client)
  }

  async handleMessage(
    ctx: ClientContext,
    message: IncomingMessage,
    next: () => Promise<HandleMessageResult>,
  ): Promise<HandleMessageResult> {
    const seat = this.#seat(ctx)
    if (message[0] === 'EVENT') {
      const [, event] = message
      ctx.sendMessage(['OK', event.id, ...this.#take(event)])
      return
    }
    if (message[0] === 'REQ') {
      const [, id, ...filters] = message
      const refusal = this.#readRefusal(seat, filters)
      if (refusal !== undefined) {
        ctx.sendMessage(['CLOSED', id, refusal])
        if (refusal.startsWith('auth-required')) ctx.sendMessage(['AUTH', ctx.id])
        return
      }
    }
    const result = await next()
    if (result?.messageType === 'AUTH' && result.success && ctx.pubkey) seat.pubkeys.add(ctx.pubkey)
    return result
  }

  /** Stores an event and sends it to whoever listens. @returns the relay's answer: taken or not, and why (NIP-01) */
  #take(event: Event): [boolean, string] {
    const refusal = this.#refusal(event)
    if (refusal !== undefined) return [false, refusal]
    const known: [boolean, string] = [true, 'duplicate: the event is here already']
    if (this.#events.has(event.id)) return known
    if (!isGenuine(event)) return [false, 'invalid: the id or the signature is wrong']
    if (event.kind === AUTHENTICATION) return [true, '']
    if (event.kind === DELETION) this.#events.deleteAsAsked(event)
    else if (!isEphemeral(event.kind) && !this.#events.add(event)) return known
    this.#send(event)
    return [true, '']
  }

  #seat(ctx: ClientContext): Seat {
    const known = this.#seats.get(ctx.client)
    if (known) return known
    const seat = { ctx, pubkeys: new Set<string>() }
    this.#seats.set(ctx.client, seat)
    return seat
  }

  #refusal(event: Event): string | undefined {
    if (Buffer.byteLength(JSON.stringify(event)) > maxEventBytes)
      return `invalid: event larger than ${maxEventBytes} bytes`
    if (event.created_at > this.#now() + maxSecondsAhead)
      return 'invalid: created_at is more than 15 minutes ahead'
    if ((expirationOf(event) ?? Number.POSITIVE_INFINITY) <= this.#now())
      return 'invalid: the event has expired'
    return this.#events.isDeleted(event) ? 'blocked: its author deleted this event' : undefined
  }

  /** A guarded kind may be asked for only by name, and only what is addressed to an authenticated key. */
  #readRefusal(seat: Seat, filters: Filter[]): string | undefined {
    const guarded = filters.filter(filter => filter.kinds?.some(kind => this.#guarded.includes(kind)))
    if (guarded.length === 0) return undefined
    if (seat.pubkeys.size === 0) return 'auth-required: these events are given only to their recipients'
    const own = guarded.every(filter => filter['#p']?.every(pubkey => seat.pubkeys.has(pubkey)) ?? false)
    return own ? undefined : 'restricted: ask only for events addressed to a key you authenticated'
  }

  #mayRead(seat: Seat, event: Event): boolean {
    if (!this.#guarded.includes(event.kind)) return true
    return event.tags.some(([name, value]) => name === 'p' && value !== undefined && seat.pubkeys.has(value))
  }

  #send(event: Event): void {
    for (const seat of this.#seats.values()) {
      if (!seat.ctx.isOpen || !this.#mayRead(seat, event)) continue
      seat.ctx.subscriptions.forEach((filters, id) => {
        // The two libraries' filters differ in their types alone: one lists tag letters, the other has a pattern.
        if (matchFilters(filters as NostrFilter[], event)) seat.ctx.sendMessage(['EVENT', id, event])
      })
    }
  }
}
