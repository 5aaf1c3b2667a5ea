import { createHmac } from 'node:crypto'
import { hexToBytes } from '@noble/hashes/utils.js'
import { curve } from '../identity/index.ts'
import { decrypt, encrypt } from './nip44.ts'
import { WireError } from './wire-error.ts'

/** So many partners of one key are remembered: a job's providers, and room for strangers who write to it. */
const PARTNERS = 256

/**
 * NIP-44's conversation keys, since two multiplications for every message of the same two keys cost more than all
 * else about it. They hang on the secret they follow from and go when it goes: nothing is kept that was not there.
 */
const conversations = new WeakMap<Uint8Array, Map<string, Uint8Array>>()

/** NIP-44 between two keys. @throws WireError `wire/sealed` for a public key that is no point on the curve */
export function seal(plaintext: string, secret: Uint8Array, to: string): string {
  return encrypt(plaintext, conversation(secret, to))
}

/** @throws WireError `wire/sealed` */
export function unseal(payload: string, secret: Uint8Array, from: string): string {
  try {
    return decrypt(payload, conversation(secret, from))
  } catch (cause) {
    if (cause instanceof WireError) throw cause
    throw new WireError(
      'wire/sealed',
      'content',
      'This cannot be decrypted with the key it was sent to.',
      cause,
    )
  }
}

function conversation(secret: Uint8Array, other: string): Uint8Array {
  const partners = conversations.get(secret) ?? new Map<string, Uint8Array>()
  conversations.set(secret, partners)
  const known = partners.get(other)
  if (known) return known
  const key = conversationKey(secret, other)
  const [oldest] = partners.keys()
  if (partners.size >= PARTNERS && oldest !== undefined) partners.delete(oldest)
  partners.set(other, key)
  return key
}

/** NIP-44: HKDF's extract step over the shared x coordinate. */
function conversationKey(secret: Uint8Array, other: string): Uint8Array {
  try {
    const shared = curve.sharedX(secret, hexToBytes(other))
    return new Uint8Array(createHmac('sha256', 'nip44-v2').update(shared).digest())
  } catch (cause) {
    throw new WireError('wire/sealed', 'pubkey', `${other.slice(0, 64)} is not a public key.`, cause)
  }
}
