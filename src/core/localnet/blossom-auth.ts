import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import { isGenuine, type NostrEvent } from '../nostr/index.ts'
import { Refusal } from './blossom-refusal.ts'

const KIND = 24242
const maxHeader = 16 * 1024
/** A client's clock may be this far ahead, in seconds. */
const tolerance = 60

const hex = (length: number) => z.string().regex(new RegExp(`^[0-9a-f]{${length}}$`))
const eventShape = z.object({
  id: hex(64),
  pubkey: hex(64),
  sig: hex(128),
  kind: z.literal(KIND),
  created_at: z.int().min(0),
  content: z.string(),
  tags: z.array(z.array(z.string())),
})

/** What the token lets its signer do. */
export interface Authorization {
  pubkey: string
  /** Hashes of the blobs it is about. */
  hashes: ReadonlySet<string>
}

/**
 * Checks the `Authorization: Nostr …` token of BUD-11: kind, signature, times, verb, server and, when the hash is
 * known before the body, that too. Takes base64url as BUD-11 says, and standard base64 as older clients send.
 * @throws Refusal 401
 */
export function authorize(
  request: IncomingMessage,
  need: { verb: 'upload' | 'delete'; now: number; hash?: string | undefined },
): Authorization {
  const event = tokenOf(request.headers.authorization)
  const values = (name: string) =>
    event.tags.flatMap(([key, value]) => (key === name && value !== undefined ? [value] : []))
  const deny = (reason: string): never => {
    throw new Refusal(401, reason)
  }
  if (event.created_at > need.now + tolerance) deny('the token was created in the future')
  const expiration = Number(values('expiration')[0] ?? Number.NaN)
  // Also when it is no number at all.
  if (!(expiration > need.now)) deny('the token has expired or has no expiration')
  if (!values('t').includes(need.verb)) deny(`the token is not for "${need.verb}"`)
  const servers = values('server').map(hostOf)
  if (servers.length > 0 && !servers.includes(hostOf(request.headers.host ?? '')))
    deny('the token is for another server')
  const hashes = new Set(values('x'))
  if (hashes.size === 0) deny('the token names no blob (x tag)')
  if (need.hash !== undefined && !hashes.has(need.hash)) deny('the token is for another blob (x tag)')
  if (!isGenuine(event)) deny('the signature is wrong')
  return { pubkey: event.pubkey, hashes }
}

function tokenOf(header: string | undefined): NostrEvent {
  if (header === undefined) throw new Refusal(401, 'missing Authorization header')
  const [, text] = /^Nostr ([A-Za-z0-9+/_-]+=*)$/i.exec(header.slice(0, maxHeader)) ?? []
  if (text === undefined) throw new Refusal(401, 'invalid base64 token')
  try {
    return eventShape.parse(JSON.parse(Buffer.from(text, 'base64').toString()))
  } catch {
    throw new Refusal(401, `the token is not a signed event of kind ${KIND}`)
  }
}

/** Tokens name servers by domain; some clients give a whole address. */
const hostOf = (server: string): string =>
  server
    .toLowerCase()
    .replace(/^https?:\/\//, '')
    .replace(/[:/].*$/, '')
