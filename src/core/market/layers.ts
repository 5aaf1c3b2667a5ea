import type { z } from 'zod'
import type { Seconds } from '../../shared/units.ts'
import type { KeyPair } from '../identity/index.ts'
import {
  bytesOf,
  type EventTemplate,
  MAX_EVENT_BYTES,
  type NostrEvent,
  openSession,
  parseJson,
  sealSession,
  tagOf,
  WireError,
} from '../nostr/index.ts'
import { checked } from './content.ts'
import { checkExpiration, checkKind, checkName, checkTags, VERSION_TAG } from './tags.ts'

/** Most bytes of a handshake's inner event whose gift wrap still fits 32 kB: NIP-44 pads, twice. */
const MAX_INNER_BYTES = 14_336

interface Definition<C> {
  name: string
  kind: number
  schema: z.ZodType<C>
}

interface PublicDefinition<C> extends Definition<C> {
  /** What tags repeat of the content. */
  tags?: (content: C) => string[][]
  /** Addressable kinds are named by a `d` tag. */
  addressable?: boolean
  /** Longest life in seconds; with it, an expiration is compulsory (NIP-40). */
  longest?: number
}

/** Public events, signed by the identity. `template` is unsigned: the identity may live in another process. */
export function publicKind<C>(of: PublicDefinition<C>) {
  const { name, kind, schema, addressable = false, longest } = of
  const tagsOf = of.tags ?? (() => [])
  return {
    name,
    kind,
    schema,
    layer: 'public' as const,
    /** @throws WireError when the content is not valid or too large */
    template(content: C, at: { at: Seconds; d?: string; expiration?: Seconds }): EventTemplate {
      const valid = checked(name, schema, content)
      const tags = [[...VERSION_TAG], ...tagsOf(valid)]
      if (at.d !== undefined) tags.push(['d', at.d])
      if (at.expiration !== undefined) tags.push(['expiration', String(at.expiration)])
      return { kind, created_at: at.at, tags, content: JSON.stringify(valid) }
    },
    /** @param event  verified. @throws WireError */
    parse(event: NostrEvent): C {
      checkKind(name, event, kind)
      checkSize(name, event, MAX_EVENT_BYTES)
      if (addressable) checkName(name, event)
      if (longest !== undefined) checkExpiration(name, event, longest)
      const content = checked(name, schema, parseJson(event.content, MAX_EVENT_BYTES))
      checkTags(name, event, tagsOf(content))
      return content
    },
  }
}

interface HandshakeDefinition<C> extends Definition<C> {
  tags: (content: C) => string[][]
}

/** Handshake: an event signed by the identity, to be sealed and wrapped for J or P (`wrapSigned`). */
export function handshakeKind<C>(of: HandshakeDefinition<C>) {
  const { name, kind, schema } = of
  return {
    name,
    kind,
    schema,
    layer: 'handshake' as const,
    /** @param to  J or P: named inside what is signed, so that nobody can pass it on as meant for himself */
    template(content: C, { to, at }: { to: string; at: Seconds }): EventTemplate {
      const valid = checked(name, schema, content)
      const tags = [[...VERSION_TAG], ['p', to], ...of.tags(valid)]
      return { kind, created_at: at, tags, content: JSON.stringify(valid) }
    },
    /** @param event  what `unwrapSigned` gave. @throws WireError */
    parse(event: NostrEvent, { to }: { to: string }): C {
      checkKind(name, event, kind)
      checkSize(name, event, MAX_INNER_BYTES)
      checkRecipient(name, event, to)
      const content = checked(name, schema, parseJson(event.content, MAX_INNER_BYTES))
      checkTags(name, event, of.tags(content))
      return content
    },
  }
}

interface SessionDefinition<C> extends Definition<C> {
  addressable?: boolean
}

/** Session: signed by J or P, encrypted between them; whatever it names is inside. */
export function sessionKind<C>(of: SessionDefinition<C>) {
  const { name, kind, schema, addressable = false } = of
  return {
    name,
    kind,
    schema,
    layer: 'session' as const,
    /** @throws WireError `wire/content`, `wire/size` */
    seal(
      content: C,
      {
        from,
        to,
        at,
        expiration,
        d,
      }: { from: KeyPair; to: string; at: Seconds; expiration: Seconds; d?: string },
    ): NostrEvent {
      const tags = [[...VERSION_TAG], ...(d === undefined ? [] : [['d', d]])]
      return sealSession({ kind, content: checked(name, schema, content), from, to, at, expiration, tags })
    },
    /**
     * @param event  verified
     * @param from   whose message it must be
     * @param me     either side; `to` is its own key unless it reads what it sent itself
     * @throws WireError
     */
    open(event: NostrEvent, { me, from, to }: { me: KeyPair; from: string; to?: string }): C {
      checkKind(name, event, kind)
      checkSize(name, event, MAX_EVENT_BYTES)
      if (event.pubkey !== from)
        throw new WireError(
          'wire/author',
          'pubkey',
          `This ${name} is signed by someone else than it should be.`,
        )
      checkRecipient(name, event, to ?? me.pubkey)
      if (addressable) checkName(name, event)
      return checked(name, schema, openSession(event, me.secret))
    },
  }
}

function checkSize(name: string, event: NostrEvent, limit: number): void {
  if (bytesOf(event) > limit)
    throw new WireError('wire/size', '', `This ${name} has ${bytesOf(event)} bytes, more than ${limit}.`)
}

function checkRecipient(name: string, event: NostrEvent, to: string): void {
  if (event.tags.filter(tag => tag[0] === 'p').length !== 1 || tagOf(event, 'p') !== to)
    throw new WireError('wire/recipient', 'tags.p', `This ${name} is meant for someone else.`)
}
