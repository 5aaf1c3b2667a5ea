import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { serializeEvent } from 'nostr-tools/pure'
import { type Seconds, seconds } from '../../shared/units.ts'
import { curve, type KeyPair } from '../identity/index.ts'
import { WireError } from './wire-error.ts'

/** NIP-01. Ours has no cached mark of being verified, so a copy of it never carries one. */
export interface NostrEvent {
  id: string
  pubkey: string
  created_at: number
  kind: number
  tags: string[][]
  content: string
  sig: string
}
export type EventTemplate = Pick<NostrEvent, 'kind' | 'tags' | 'content' | 'created_at'>

/** The outer event, as JSON in UTF-8: relays refuse larger ones, each at its own limit. */
export const MAX_EVENT_BYTES = 32_768

const HEX_32 = /^[0-9a-f]{64}$/
const HEX_64 = /^[0-9a-f]{128}$/
export const isHex32 = (text: unknown): text is string => typeof text === 'string' && HEX_32.test(text)

/**
 * A verified event out of a freshly parsed JSON value. It is built anew from its seven fields, so no
 * other field of the input survives, and no mark of having been verified either.
 * @throws WireError `wire/event`
 */
export function readEvent(value: unknown): NostrEvent {
  const event = shapeOf(value)
  if (!event) throw new WireError('wire/event', '', 'This is not a Nostr event.')
  if (!isGenuine(event))
    throw new WireError('wire/event', 'sig', `The id or signature of event ${event.id} is wrong.`)
  return event
}

/** Whether id and signature are right (NIP-01, BIP-340). @param event  of the right shape, see `shapeOf` */
export function isGenuine(event: NostrEvent): boolean {
  const id = idOf(event)
  return bytesToHex(id) === event.id && curve.verify(hexToBytes(event.sig), id, hexToBytes(event.pubkey))
}

/** NIP-01: the hash of the serialised event, 32 bytes. */
const idOf = (event: EventTemplate & { pubkey: string }): Uint8Array => curve.sha256(serializeEvent(event))

/** The seven fields, of the right types, unverified; undefined when it is no event. */
export function shapeOf(value: unknown): NostrEvent | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  // Every field is checked below before it is used.
  const { id, pubkey, created_at, kind, tags, content, sig } = value as Record<string, unknown>
  if (!isHex32(id) || !isHex32(pubkey) || typeof sig !== 'string' || !HEX_64.test(sig)) return undefined
  if (!isWhole(created_at) || !isWhole(kind) || kind > 65_535 || typeof content !== 'string') return undefined
  if (!Array.isArray(tags) || !tags.every(isTag)) return undefined
  return { id, pubkey, created_at, kind, tags, content, sig }
}

const isWhole = (n: unknown): n is number => Number.isSafeInteger(n) && Number(n) >= 0
const isTag = (tag: unknown): tag is string[] =>
  Array.isArray(tag) && tag.every(part => typeof part === 'string')

export function sign(template: EventTemplate, secret: Uint8Array): NostrEvent {
  const { created_at, kind, tags, content } = template
  const pubkey = publicKeyOf(secret)
  const id = idOf({ pubkey, created_at, kind, tags, content })
  const sig = bytesToHex(curve.sign(id, secret))
  return { id: bytesToHex(id), pubkey, created_at, kind, tags, content, sig }
}

export const bytesOf = (event: object): number => Buffer.byteLength(JSON.stringify(event))

/** The value of the first tag of this name. */
export const tagOf = (event: { tags: string[][] }, name: string): string | undefined =>
  event.tags.find(tag => tag[0] === name)?.[1]

/** NIP-40; undefined when there is none or it is no time. */
export function expirationOf(event: { tags: string[][] }): Seconds | undefined {
  const text = tagOf(event, 'expiration')
  return text !== undefined && /^\d{1,12}$/.test(text) ? seconds(Number(text)) : undefined
}

/** NIP-01: relays pass these on and keep none. */
export const isEphemeral = (kind: number): boolean => kind >= 20_000 && kind < 30_000

/** `kind:pubkey:d`, the name of an addressable event (NIP-01). */
export const coordinateOf = (event: Pick<NostrEvent, 'kind' | 'pubkey' | 'tags'>): string =>
  `${event.kind}:${event.pubkey}:${tagOf(event, 'd') ?? ''}`

/**
 * Whether `a` replaces `b`, two versions of one addressable event: the newer, on a tie the lower id (NIP-01).
 * Some relays serve old versions beside the newest.
 */
export const replaces = (a: NostrEvent, b: NostrEvent): boolean =>
  a.created_at > b.created_at || (a.created_at === b.created_at && a.id < b.id)

/** Kept beside the secret it follows from, as long as that is kept: a multiplication for each message otherwise. */
const publicKeys = new WeakMap<Uint8Array, KeyPair['pubkey']>()

export function publicKeyOf(secret: Uint8Array): KeyPair['pubkey'] {
  const known = publicKeys.get(secret)
  if (known !== undefined) return known
  const pubkey = bytesToHex(curve.xOnlyPublicKey(secret))
  publicKeys.set(secret, pubkey)
  return pubkey
}
