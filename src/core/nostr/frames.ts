import { parseJson } from './json.ts'

/** Largest WebSocket message taken from a relay; `ws` closes the connection on a larger one before buffering it. */
export const MAX_FRAME_BYTES = 256 * 1024

/** What a relay may say (NIP-01, NIP-42). `event` is freshly parsed and not yet verified. */
export type Frame =
  | { type: 'EVENT'; subscription: string; event: unknown }
  | { type: 'EOSE'; subscription: string }
  | { type: 'CLOSED'; subscription: string; reason: string }
  | { type: 'OK'; id: string; ok: boolean; reason: string }
  | { type: 'AUTH'; challenge: string }
  | { type: 'NOTICE'; text: string }

/** @returns undefined for anything that is no message of a relay */
export function readFrame(text: string): Frame | undefined {
  let parts: unknown
  try {
    parts = parseJson(text, MAX_FRAME_BYTES)
  } catch {
    return undefined
  }
  if (!Array.isArray(parts)) return undefined
  const [type, a, b, c] = parts as unknown[]
  if (typeof a !== 'string') return undefined
  switch (type) {
    case 'EVENT':
      return { type, subscription: a, event: b }
    case 'EOSE':
      return { type, subscription: a }
    case 'CLOSED':
      return { type, subscription: a, reason: short(b) }
    case 'OK':
      return typeof b === 'boolean' ? { type, id: a, ok: b, reason: short(c) } : undefined
    case 'AUTH':
      return { type, challenge: a.slice(0, 1000) }
    case 'NOTICE':
      return { type, text: short(a) }
    default:
      return undefined
  }
}

// It will be shown to a person: one line, and not long.
const short = (value: unknown): string =>
  typeof value === 'string'
    ? value.slice(0, 200).replace(/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, ' ')
    : ''

/** The machine-readable prefix of a reason: `blocked` of `blocked: not on the list`. */
export const prefixOf = (reason: string): string => /^([a-z-]+):/.exec(reason)?.[1] ?? ''
