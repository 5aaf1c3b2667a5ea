import { z } from 'zod'
import { bytes as toBytes, sats as toSats, seconds as toSeconds } from '../../shared/units.ts'
import { isPubkey, isXpub } from '../identity/index.ts'
import { isHttpUrl, isRelayUrl } from '../nostr/index.ts'

/** Vocabulary of the contents: every number finite and bounded, every text and list of limited length. */

/** All the bitcoin there will ever be. */
const MAX_SATS = 2_100_000_000_000_000
/** The year 2100. */
const MAX_TIME = 4_102_444_800

export const count = (max: number, min = 1) => z.int().min(min).max(max)
export const amount = z.int().min(0).max(MAX_SATS).transform(toSats)
export const size = z.int().min(0).max(Number.MAX_SAFE_INTEGER).transform(toBytes)
export const unixTime = z.int().min(0).max(MAX_TIME).transform(toSeconds)
/** At most a hundred days: what a promise can be about. */
export const duration = z
  .int()
  .min(0)
  .max(100 * 24 * 3600)
  .transform(toSeconds)
export const finite = z.number().min(-1e300).max(1e300)
export const positive = (max: number) => z.number().positive().max(max)
export const fraction = z.number().gt(0).max(1)

export const hex32 = z.string().regex(/^[0-9a-f]{64}$/, 'expected 32 bytes in lower-case hex')
/** J or P: whoever cannot be written to must be refused before anybody counts on him. */
export const pubkey = hex32.refine(isPubkey, 'expected a public key (BIP-340)')
/** BIP-340, 64 bytes. */
export const signature = z.string().regex(/^[0-9a-f]{128}$/, 'expected 64 bytes in lower-case hex')
export const xpub = z.string().max(112).refine(isXpub, 'expected an extended public key (BIP-32)')
/** The `d` of jobs and devices. */
export const name = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'expected 1 to 64 of A-Z a-z 0-9 _ -')
/** A job's coordinate (NIP-01). */
export const coordinate = z
  .string()
  .regex(/^36450:[0-9a-f]{64}:[A-Za-z0-9_-]{1,64}$/, "expected a job's coordinate")

// Control characters, line breaks of every sort, and what turns text around: they would let a stranger's words
// pose as ours in a terminal or a window. Lone surrogates are no text at all.
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

/** One line of plain text for people. */
export const line = (max: number, min = 0) =>
  z
    .string()
    .min(min)
    .max(max)
    .refine(text => text.search(UNPRINTABLE) < 0, 'expected one line of plain text')

/** Makes any text fit a `line`: unprintable characters become spaces, the rest is cut (never through a character). */
export function asLine(text: string, max = 500): string {
  const plain = text.toWellFormed().replace(UNPRINTABLE, ' ').trim()
  if (plain.length <= max) return plain
  return `${plain.slice(0, max - 1).replace(/[\ud800-\udbff]$/, '')}…`
}

const unique = (list: string[]) => new Set(list).size === list.length
const addresses = (test: (text: string) => boolean, what: string) =>
  z
    .array(z.string().max(200).refine(test, `expected ${what}`))
    .min(1)
    .max(16)
    .refine(unique, 'expected each address once')
export const httpUrls = addresses(isHttpUrl, 'an http(s) address without a slash at its end')
export const relayUrls = addresses(isRelayUrl, 'a ws(s) address without a slash at its end')
/** One mint or server. */
export const httpAddress = z
  .string()
  .max(200)
  .refine(isHttpUrl, 'expected an http(s) address without a slash at its end')

/** NUT-11: what one side signs of a proof of the lock. */
export const witness = z.object({ secret: z.string().min(1).max(1024), signature })
export const witnesses = z
  .array(witness)
  .max(48)
  .refine(list => unique(list.map(w => w.secret)), 'expected each proof once')

export const increasing = (numbers: number[]) => numbers.every((n, i) => i === 0 || n > (numbers[i - 1] ?? n))
