import { decrypt, encrypt, getConversationKey } from 'nostr-tools/nip44'
import { WireError } from './wire-error.ts'

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
  try {
    return getConversationKey(secret, other)
  } catch (cause) {
    throw new WireError('wire/sealed', 'pubkey', `${other.slice(0, 64)} is not a public key.`, cause)
  }
}
