import { KIND, OFFER_LIFE, wire } from '../../market/index.ts'
import { type NostrEvent, replaces, type SilentRelay, unreachable } from '../../nostr/index.ts'
import { heed } from '../heed.ts'
import type { Tools } from '../tools.ts'
import type { LiveOffer } from './quote.ts'

/** How long relays that are away have to come back, in milliseconds: some tries to connect. */
const absence = 3_000

interface Patience {
  patienceMs: number
  signal?: AbortSignal
  /** Told of relays that did not answer, where others did. */
  onSilent?: (relays: SilentRelay[]) => void
}

/**
 * The offers that are live on these relays: of each provider and device the newest, not expired. Waits until each relay
 * gave all it has, for whoever is first is not the market, and `enough` providers were found; at most `patienceMs`.
 * @throws UserError `nostr/unreachable` when no relay answered
 */
export async function liveOffers(
  tools: Tools,
  urls: string[],
  enough: (offers: LiveOffer[]) => boolean,
  { patienceMs, signal, onSilent }: Patience,
): Promise<LiveOffer[]> {
  const { relays, now } = tools
  const newest = new Map<string, { event: NostrEvent; live: LiveOffer }>()
  const list = () => [...newest.values()].map(({ live }) => live)
  let synced = false
  let found = (): void => {}
  const look = (): void => {
    if (synced && !subscription.silence().total && enough(list())) found()
  }
  const subscription = relays.subscribe({
    // What was handled before is wanted again.
    name: 'offers',
    fresh: true,
    urls,
    filter: { kinds: [KIND.OFFER], since: now() - OFFER_LIFE },
    handler: event =>
      heed(tools, event, offer => {
        const key = `${offer.pubkey}:${offer.tags.find(tag => tag[0] === 'd')?.[1]}`
        const known = newest.get(key)
        if (known && !replaces(offer, known.event)) return
        newest.set(key, { event: offer, live: { provider: offer.pubkey, offer: wire.offer.parse(offer) } })
        look()
      }),
  })
  try {
    await new Promise<void>(resolve => {
      found = resolve
      const timer = setTimeout(resolve, patienceMs)
      signal?.addEventListener('abort', () => resolve(), { once: true })
      timer.unref()
      void subscription.synced.then(() => {
        synced = true
        look()
        if (subscription.silence().total)
          setTimeout(() => subscription.silence().total && resolve(), absence).unref()
      })
    })
    signal?.throwIfAborted()
    const offers = list()
    const silence = subscription.silence()
    if (silence.total && offers.length === 0) throw unreachable(silence.relays)
    if (silence.relays.length > 0) onSilent?.(silence.relays)
    return offers
  } finally {
    subscription.close()
  }
}
