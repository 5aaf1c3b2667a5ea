import type { Seconds } from '../../shared/units.ts'
import type { KeyPair } from '../identity/index.ts'
import { type NostrEvent, sign } from './event.ts'

export const DELETION = 5
/** Relays cap the tags of an event. */
const MOST = 200

/**
 * NIP-09: asks relays to delete events by this key, for example a session's when its job is over. A gift wrap cannot be
 * deleted by its sender, whose key for it is gone: it expires. So does the request (NIP-40): a relay that is away or
 * refuses is not asked for ever.
 */
export function deletionsOf(
  events: readonly { id: string; kind: number }[],
  key: KeyPair,
  { at, expiration }: { at: Seconds; expiration: Seconds },
): NostrEvent[] {
  const requests: NostrEvent[] = []
  for (let from = 0; from < events.length; from += MOST) {
    const some = events.slice(from, from + MOST)
    const kinds = [...new Set(some.map(event => String(event.kind)))]
    const tags = [
      ...some.map(({ id }) => ['e', id]),
      ...kinds.map(kind => ['k', kind]),
      ['expiration', String(expiration)],
    ]
    requests.push(sign({ kind: DELETION, created_at: at, tags, content: '' }, key.secret))
  }
  return requests
}
