import { createHmac, createSecretKey, randomBytes, timingSafeEqual } from 'node:crypto'
import { chacha20 } from '@noble/ciphers/chacha.js'

/*
 * NIP-44, version 2, over Node's HMAC and base64: nostr-tools does both in JavaScript, at ten times the cost, and each
 * round of a job is some ten messages a provider. Its tests compare the two.
 *
 * A payload is base64 of version (1 byte), nonce (32), ciphertext, MAC (32).
 */
const version = 2
const nonceBytes = 32
const macBytes = 32
/** Plaintext, by its two bytes of length. */
const maxPlaintext = 65_535
const minPadded = 32

/** @param key  the conversation's, 32 bytes */
export function encrypt(
  plaintext: string,
  key: Uint8Array,
  nonce: Uint8Array = randomBytes(nonceBytes),
): string {
  const plain = Buffer.from(plaintext)
  if (plain.length < 1 || plain.length > maxPlaintext)
    throw new RangeError(`NIP-44 holds 1 to ${maxPlaintext} bytes, not ${plain.length}`)
  const padded = Buffer.alloc(2 + paddedLength(plain.length))
  padded.writeUInt16BE(plain.length)
  plain.copy(padded, 2)
  const keys = messageKeys(key, nonce)
  const sealed = chacha20(keys.cipher, keys.nonce, padded)
  return Buffer.concat([Uint8Array.of(version), nonce, sealed, mac(keys.mac, nonce, sealed)]).toString(
    'base64',
  )
}

/** @throws Error for whatever was not made by `encrypt` with this key */
export function decrypt(payload: string, key: Uint8Array): string {
  const { nonce, sealed, given } = parts(payload)
  const keys = messageKeys(key, nonce)
  if (!timingSafeEqual(mac(keys.mac, nonce, sealed), given)) throw new Error('the MAC is wrong')
  const padded = Buffer.from(chacha20(keys.cipher, keys.nonce, sealed))
  const length = padded.readUInt16BE()
  if (length < 1 || padded.length !== 2 + paddedLength(length)) throw new Error('the padding is wrong')
  return padded.toString('utf8', 2, 2 + length)
}

function parts(payload: string): { nonce: Buffer; sealed: Buffer; given: Buffer } {
  const bytes = Buffer.from(payload, 'base64')
  // Node reads past what is no base64: only what it writes the same way is taken.
  if (bytes.toString('base64') !== payload) throw new Error('not base64')
  if (bytes[0] !== version) throw new Error(`version ${bytes[0]} of NIP-44 is not known`)
  if (bytes.length < 1 + nonceBytes + 2 + minPadded + macBytes) throw new Error('too short')
  return {
    nonce: bytes.subarray(1, 1 + nonceBytes),
    sealed: bytes.subarray(1 + nonceBytes, -macBytes),
    given: bytes.subarray(-macBytes),
  }
}

/** HKDF's expand step (RFC 5869) to 76 bytes. */
function messageKeys(key: Uint8Array, nonce: Uint8Array) {
  const blocks: Buffer[] = []
  // Node looks at every other kind of key in a way that takes several times as long as the HMAC.
  const secret = createSecretKey(key)
  for (const counter of [1, 2, 3])
    blocks.push(
      createHmac('sha256', secret)
        .update(blocks.at(-1) ?? '')
        .update(nonce)
        .update(Uint8Array.of(counter))
        .digest(),
    )
  const all = Buffer.concat(blocks)
  return { cipher: all.subarray(0, 32), nonce: all.subarray(32, 44), mac: all.subarray(44, 76) }
}

const mac = (key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Buffer =>
  createHmac('sha256', createSecretKey(key)).update(nonce).update(sealed).digest()

/** Lengths are hidden within an eighth of the next power of two. */
function paddedLength(length: number): number {
  if (length <= minPadded) return minPadded
  const power = 2 ** (32 - Math.clz32(length - 1))
  const step = power <= 256 ? 32 : power / 8
  return step * (Math.floor((length - 1) / step) + 1)
}
