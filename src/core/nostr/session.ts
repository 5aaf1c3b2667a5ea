import type { Seconds } from '../../shared/units.ts'
import type { KeyPair } from '../identity/index.ts'
import { bytesOf, isHex32, MAX_EVENT_BYTES, type NostrEvent, publicKeyOf, sign } from './event.ts'
import { parseJson } from './json.ts'
import { seal, unseal } from './sealing.ts'
import { WireError } from './wire-error.ts'

/** Most plaintext whose padded NIP-44 form still fits an event of 32 kB: the next padding step would not. */
export const MAX_SESSION_BYTES = 20_480

export interface SessionMessage {
  kind: number
  /** Becomes JSON. */
  content: unknown
  from: KeyPair
  /** 32-byte x-only public key, hex. */
  to: string
  /** Further public tags, beside `p` and `expiration`. */
  tags?: string[][]
  /** Unix time, NIP-40. */
  expiration: Seconds
  /** Unix time. */
  at: Seconds
}

/**
 * One layer: signed by J or P, its content encrypted between the two (NIP-44).
 * @throws WireError `wire/size`
 */
export function sealSession(message: SessionMessage): NostrEvent {
  const { kind, content, from, to, tags = [], expiration, at } = message
  const plaintext = JSON.stringify(content)
  if (Buffer.byteLength(plaintext) > MAX_SESSION_BYTES)
    throw tooLarge(`A message of ${Buffer.byteLength(plaintext)} bytes, more than ${MAX_SESSION_BYTES}.`)
  const event = sign(
    {
      kind,
      created_at: at,
      tags: [['p', to], ['expiration', String(expiration)], ...tags],
      content: seal(plaintext, from.secret, to),
    },
    from.secret,
  )
  if (bytesOf(event) > MAX_EVENT_BYTES)
    throw tooLarge(`An event of ${bytesOf(event)} bytes, more than ${MAX_EVENT_BYTES}.`)
  return event
}

/**
 * The JSON content of a session event, for either of its two keys.
 * @param event  verified already
 * @throws WireError `wire/tag`, `wire/recipient`, `wire/size`, `wire/sealed`, `wire/json`
 */
export function openSession(event: NostrEvent, secret: Uint8Array): unknown {
  const [to, ...others] = event.tags.filter(tag => tag[0] === 'p').map(tag => tag[1])
  if (!isHex32(to) || others.length > 0)
    throw new WireError('wire/tag', 'tags.p', 'A session event has exactly one "p" tag: its recipient.')
  const me = publicKeyOf(secret)
  if (me !== to && me !== event.pubkey)
    throw new WireError('wire/recipient', 'tags.p', 'This message is between two other keys.')
  if (event.content.length > MAX_EVENT_BYTES)
    throw tooLarge(`Content of ${event.content.length} characters, over the limit.`)
  const other = me === event.pubkey ? to : event.pubkey
  return parseJson(unseal(event.content, secret, other), MAX_SESSION_BYTES)
}

const tooLarge = (message: string) => new WireError('wire/size', 'content', message)
