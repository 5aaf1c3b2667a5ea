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
import type { Silence } from './silence.ts'
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
  /** Whose the connections are that no session key has to itself. */
  identity?: KeyPair
  timings?: Partial<Timings>
}

export interface SubscriptionOptions {
  /** Names the persistent window and the marks of what was handled: the same one after a restart. */
  name: string
  /** The session key over whose connections to ask; the identity's when left out. */
  as?: KeyPair
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
  /** Which relays have at no time since it began given all they had, and why. */
  silence(): Silence
  close(): void
}

export interface Relays {
  /**
   * Into the outbox, joining the caller's transaction; sent, and sent again, until at least one relay said OK or
   * the event expires (NIP-40).
   * @param as  the session key over whose connections it travels; the identity's when left out
   * @throws UserError `nostr/bad-relay-url`, `nostr/no-relays`
   */
  publish(event: NostrEvent, urls: string[], as?: KeyPair): void
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
    as?: KeyPair,
  ): Promise<{ accepted: string[]; refused: { url: string; reason: string }[] }>
  status(): RelayStatus[]
  /** Whether every event reached a relay within the time (milliseconds). */
  flush(timeoutMs: number): Promise<boolean>
  /** The machine woke, or the network is back. */
  wake(): void
  close(): Promise<void>
}

/** How long relays are asked to delete something. */
const ASKING = 7 * 24 * 3600

/**
 * Supervised connections to relays, over a persistent outbox and persistent sync windows. Each session key has its own
 * connections, on which relays are shown no other key (NIP-42): so a relay does not see from them whose session it is.
 */
export function createRelays(options: RelaysOptions): Relays {
  const { db, random = Math.random, log = () => {} } = options
  const now = options.now ?? (() => seconds(Math.floor(Date.now() / 1000)))
  const timings = { ...DEFAULT_TIMINGS, ...options.timings }
  const outbox = openOutbox(db, now)
  const windows = openWindows(db, now)
  const deliveries = new Deliveries(outbox)
  const relays = new Map<string, Relay>()
  const keys = new Map<string, KeyPair>()
  if (options.identity) keys.set('', options.identity)
  let closed = false

  const at = (url: string, via: string): Relay => {
    const name = `${via} ${url}`
    const known = relays.get(name)
    if (known) return known
    const relay = new Relay(url, {
      outbox,
      windows,
      via,
      key: () => keys.get(via),
      now,
      random,
      timings,
      delivered: id => deliveries.delivered(id),
      log,
    })
    relays.set(name, relay)
    return relay
  }
  /** The name of a key's connections. What waited for a key since the last start is tried again once it is known. */
  const viaOf = (as: KeyPair | undefined): string => {
    if (as === undefined) return ''
    if (!keys.has(as.pubkey)) {
      keys.set(as.pubkey, as)
      for (const relay of relays.values()) if (relay.via === as.pubkey) relay.retry()
    }
    return as.pubkey
  }
  let sendingSoon = false
  const sendAll = () => {
    sendingSoon = false
    if (!closed) for (const { url, via } of outbox.openLinks()) at(url, via).pump()
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
    for (const [name, relay] of relays)
      if (!relay.isUsed) {
        relays.delete(name)
        void relay.close()
      }
  }
  outbox.sweep()
  sendAll()
  const sweeping = setInterval(sweep, timings.linger)

  return {
    publish(event, urls, as) {
      if (urls.length === 0) throw noRelays()
      outbox.add(event, [...new Set(urls.map(relayUrl))], viaOf(as))
      sendSoon()
    },
    retract(key) {
      const { events, urls } = outbox.by(key.pubkey)
      const at = now()
      const requests = deletionsOf(events, key, { at, expiration: seconds(at + ASKING) })
      db.transaction(() => {
        outbox.drop(key.pubkey)
        for (const request of requests) outbox.add(request, urls, viaOf(key))
      })
      sendSoon()
    },
    delivered: id => deliveries.of(id),
    subscribe(subscription) {
      const urls = [...new Set(subscription.urls.map(relayUrl))]
      if (urls.length === 0) throw noRelays()
      const via = viaOf(subscription.as)
      const links = urls.map(url => at(url, via))
      return subscribeAt(links, subscription.slack ?? WRAP_SLACK, subscription, windows)
    },
    async probe(urls, event, as) {
      const answers = await Promise.all(
        [...new Set(urls.map(relayUrl))].map(async url => ({
          url,
          answer: await at(url, viaOf(as)).probe(event),
        })),
      )
      return {
        accepted: answers.flatMap(({ url, answer }) => (answer.verdict === 'accepted' ? [url] : [])),
        refused: answers.flatMap(({ url, answer }) =>
          answer.verdict === 'accepted' ? [] : [{ url, reason: answer.reason }],
        ),
      }
    },
    status: () => overall([...relays.values()].map(relay => relay.status())),
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

/** Of each relay one status, whatever connections there are to it: the first that is not well counts. */
function overall(links: RelayStatus[]): RelayStatus[] {
  return [...Map.groupBy(links, ({ url }) => url).values()].flatMap(group => {
    const worst = group.find(({ state }) => state !== 'open') ?? group[0]
    const pending = group.reduce((sum, link) => sum + link.pending, 0)
    return worst ? [{ ...worst, pending }] : []
  })
}

const noRelays = () =>
  new UserError('nostr/no-relays', {
    message: 'There is no relay to use.',
    fix: 'Name at least one with --relay, for example wss://relay.example.org.',
  })
