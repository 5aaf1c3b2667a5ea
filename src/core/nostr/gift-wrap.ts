import { randomInt } from 'node:crypto'
import { type Seconds, seconds } from '../../shared/units.ts'
import { curve, type KeyPair } from '../identity/index.ts'
import { bytesOf, MAX_EVENT_BYTES, type NostrEvent, publicKeyOf, readEvent, sign, tagOf } from './event.ts'
import { parseJson } from './json.ts'
import { seal, unseal } from './sealing.ts'
import { WireError } from './wire-error.ts'

const SEAL = 13
export const GIFT_WRAP = 1059

/** How far back NIP-59 moves the times of seals and wraps: subscriptions reach back by as much. */
export const WRAP_SLACK: Seconds = seconds(2 * 24 * 3600)

/**
 * NIP-59 around an event that is itself signed by its author, `from`: unlike a rumor it is evidence. The seal is
 * signed by `from` too, the wrap by a key that is thrown away.
 * @param at          unix time now; seal and wrap are dated up to two days earlier
 * @param expiration  NIP-40, unix time: when relays may forget the wrap
 * @throws WireError `wire/author` when `inner` is not by `from`, `wire/size` when the wrap is over 32 kB
 */
export function wrapSigned(
  inner: NostrEvent,
  from: KeyPair,
  to: string,
  { at, expiration }: { at: Seconds; expiration?: Seconds },
): NostrEvent {
  if (inner.pubkey !== from.pubkey)
    throw new WireError('wire/author', 'pubkey', 'Only the author of an event can seal it.')
  const earlier = () => at - randomInt(WRAP_SLACK)
  const sealed = sign(
    { kind: SEAL, created_at: earlier(), tags: [], content: seal(JSON.stringify(inner), from.secret, to) },
    from.secret,
  )
  const once = curve.randomSecret()
  const tags = [['p', to]]
  if (expiration !== undefined) tags.push(['expiration', String(expiration)])
  const wrap = sign(
    { kind: GIFT_WRAP, created_at: earlier(), tags, content: seal(JSON.stringify(sealed), once, to) },
    once,
  )
  if (bytesOf(wrap) > MAX_EVENT_BYTES)
    throw new WireError(
      'wire/size',
      '',
      `The wrapped event has ${bytesOf(wrap)} bytes, more than ${MAX_EVENT_BYTES}.`,
    )
  return wrap
}

/**
 * The signed event inside a wrap addressed to `secret`'s key.
 * @param wrap  verified already (what a subscription's handler gets)
 * @throws WireError for anything hostile: wrong kinds, keys, signatures, sizes, or a seal by someone else
 */
export function unwrapSigned(wrap: NostrEvent, secret: Uint8Array): NostrEvent {
  expectKind(wrap, GIFT_WRAP)
  if (tagOf(wrap, 'p') !== publicKeyOf(secret))
    throw new WireError('wire/recipient', 'tags.p', 'This gift wrap is addressed to another key.')
  const sealed = readEvent(parseJson(unseal(bounded(wrap), secret, wrap.pubkey), MAX_EVENT_BYTES))
  expectKind(sealed, SEAL)
  const inner = readEvent(parseJson(unseal(bounded(sealed), secret, sealed.pubkey), MAX_EVENT_BYTES))
  if (inner.pubkey !== sealed.pubkey)
    throw new WireError('wire/author', 'pubkey', 'The sealed event was signed by someone else than its seal.')
  return inner
}

function expectKind(event: NostrEvent, kind: number): void {
  if (event.kind !== kind)
    throw new WireError('wire/kind', 'kind', `Kind ${event.kind} where kind ${kind} was expected.`)
}

function bounded(event: NostrEvent): string {
  if (event.content.length > MAX_EVENT_BYTES)
    throw new WireError(
      'wire/size',
      'content',
      `Content of ${event.content.length} characters, over the limit.`,
    )
  return event.content
}
