import type { Filter } from 'nostr-tools/filter'
import { UserError } from '../../shared/errors.ts'
import { type Seconds, seconds } from '../../shared/units.ts'
import type { KeyPair } from '../identity/index.ts'
import type { Database } from '../store/index.ts'
import { deletionsOf } from './deletion.ts'
import { Deliveries } from './deliveries.ts'
import type { NostrEvent } from './event.ts'
import { WRAP_SLACK } from './gift-wrap.ts'
import { openOutbox } from './outbox.ts'
import { Relay, type RelayStatus } from './relay.ts'
import { subscribeAt } from './subscription.ts'
import { DEFAULT_TIMINGS, type Timings } from './timings.ts'
import { relayUrl } from './url.ts'
import { openWindows } from './windows.ts'

export interface RelaysOptions {
  db: Database
  /** Unix time. */
  now?: () => Seconds
  /** In [0, 1): jitter. */
  random?: () => number
  log?: (message: string) => void
  /** Keys for NIP-42, the preferred one first; more by `authenticate`. */
  signers?: KeyPair[]
  timings?: Partial<Timings>
}

export interface SubscriptionOptions {
  /** Names the persistent window and the marks of what was handled: the same one after a restart. */
  name: string
  urls: string[]
  filter: Filter
  /**
   * How much earlier than the last complete sync to ask again. Two days when left out: gift wraps are dated back by
   * as much, and anyone's outbox may deliver late what it signed long ago.
   */
  slack?: Seconds
  /** Begins anew, as if nothing had ever come under this name: for what must be seen at every start, like live offers. */
  fresh?: boolean
  /** Runs in one transaction with the mark; when it throws, the event comes again. */
  handler: (event: NostrEvent) => void
}

export interface Subscription {
  /** Resolves once every relay gave all it had, or cannot be reached for now. */
  synced: Promise<void>
  close(): void
}

export interface Relays {
  /**
   * Into the outbox, joining the caller's transaction; sent, and sent again, until at least one relay said OK or
   * the event expires (NIP-40).
   * @throws UserError `nostr/bad-relay-url`, `nostr/no-relays`
   */
  publish(event: NostrEvent, urls: string[]): void
  /** The first OK, also one that was before. @throws UserError `nostr/not-delivered`, `nostr/closed` */
  delivered(eventId: string): Promise<void>
  subscribe(options: SubscriptionOptions): Subscription
  /**
   * Sends nothing more of this key's, and asks every relay that had of it to delete it (NIP-09). What relays do not do
   * within a week stays with them until it expires. Called again, it finds nothing to ask.
   */
  retract(key: KeyPair): void
  /** Which relays take this event now, past the outbox. */
  probe(
    urls: string[],
    event: NostrEvent,
  ): Promise<{ accepted: string[]; refused: { url: string; reason: string }[] }>
  /** More keys for NIP-42. A relay is shown only the one a message is about; for a gift wrap, the first given. */
  authenticate(keys: KeyPair[]): void
  status(): RelayStatus[]
  /** Whether every event reached a relay within the time (milliseconds). */
  flush(timeoutMs: number): Promise<boolean>
  /** The machine woke, or the network is back. */
  wake(): void
  close(): Promise<void>
}

/** How long relays are asked to delete something. */
const ASKING = 7 * 24 * 3600

/** Supervised connections to relays, over a persistent outbox and persistent sync windows. */
export function createRelays(options: RelaysOptions): Relays {
  const { db, random = Math.random, log = () => {} } = options
  const now = options.now ?? (() => seconds(Math.floor(Date.now() / 1000)))
  const timings = { ...DEFAULT_TIMINGS, ...options.timings }
  const outbox = openOutbox(db, now)
  const windows = openWindows(db, now)
  const deliveries = new Deliveries(outbox)
  const relays = new Map<string, Relay>()
  const keys = new Map((options.signers ?? []).map(key => [key.pubkey, key]))
  let closed = false

  const at = (url: string): Relay => {
    const known = relays.get(url)
    if (known) return known
    const relay = new Relay(url, {
      outbox,
      windows,
      keys: () => [...keys.values()],
      now,
      random,
      timings,
      delivered: id => deliveries.delivered(id),
      log,
    })
    relays.set(url, relay)
    return relay
  }
  let sendingSoon = false
  const sendAll = () => {
    sendingSoon = false
    if (!closed) for (const url of outbox.openUrls()) at(url).pump()
  }
  const sendSoon = () => {
    // Not before the caller's transaction has ended, for it may yet roll back: transactions are synchronous.
    if (!sendingSoon) queueMicrotask(sendAll)
    sendingSoon = true
  }
  const sweep = () => {
    outbox.sweep()
    deliveries.sweep()
    sendAll()
    for (const [url, relay] of relays)
      if (!relay.isUsed) {
        relays.delete(url)
        void relay.close()
      }
  }
  outbox.sweep()
  sendAll()
  const sweeping = setInterval(sweep, timings.linger)

  return {
    publish(event, urls) {
      if (urls.length === 0) throw noRelays()
      outbox.add(event, [...new Set(urls.map(relayUrl))])
      sendSoon()
    },
    retract(key) {
      const { events, urls } = outbox.by(key.pubkey)
      const at = now()
      const requests = deletionsOf(events, key, { at, expiration: seconds(at + ASKING) })
      db.transaction(() => {
        outbox.drop(key.pubkey)
        for (const request of requests) outbox.add(request, urls)
      })
      sendSoon()
    },
    delivered: id => deliveries.of(id),
    subscribe(subscription) {
      const urls = [...new Set(subscription.urls.map(relayUrl))]
      if (urls.length === 0) throw noRelays()
      return subscribeAt(urls.map(at), subscription.slack ?? WRAP_SLACK, subscription, windows)
    },
    async probe(urls, event) {
      const answers = await Promise.all(
        [...new Set(urls.map(relayUrl))].map(async url => ({ url, answer: await at(url).probe(event) })),
      )
      return {
        accepted: answers.flatMap(({ url, answer }) => (answer.verdict === 'accepted' ? [url] : [])),
        refused: answers.flatMap(({ url, answer }) =>
          answer.verdict === 'accepted' ? [] : [{ url, reason: answer.reason }],
        ),
      }
    },
    authenticate(more) {
      for (const key of more) keys.set(key.pubkey, key)
      for (const relay of relays.values()) relay.retry()
    },
    status: () => [...relays.values()].map(relay => relay.status()),
    flush: timeoutMs => deliveries.allWithin(timeoutMs),
    wake: () => {
      for (const relay of relays.values()) relay.wake()
    },
    async close() {
      closed = true
      clearInterval(sweeping)
      await Promise.all([...relays.values()].map(relay => relay.close()))
      relays.clear()
      deliveries.close()
    },
  }
}

const noRelays = () =>
  new UserError('nostr/no-relays', {
    message: 'There is no relay to use.',
    fix: 'Name at least one with --relay, for example wss://relay.example.org.',
  })
