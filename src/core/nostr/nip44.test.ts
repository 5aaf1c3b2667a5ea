import { createHmac, randomBytes } from 'node:crypto'
import { expand } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import fc from 'fast-check'
import * as reference from 'nostr-tools/nip44'
import { describe, expect, it } from 'vitest'
import { decrypt, encrypt } from './nip44.ts'

const key = randomBytes(32)

/** The same payload with another length in front of its padding, under a MAC that is right. */
function resealed(payload: Buffer, length: number): string {
  const [nonce, sealed] = [payload.subarray(1, 33), Buffer.from(payload.subarray(33, -32))]
  const keys = expand(sha256, key, nonce, 76)
  // A stream cipher: what is changed in the ciphertext is changed in the plaintext, whose first bytes are 0, 32.
  sealed[1]! ^= 32 ^ length
  const mac = createHmac('sha256', keys.subarray(44)).update(nonce).update(sealed).digest()
  return Buffer.concat([payload.subarray(0, 33), sealed, mac]).toString('base64')
}

// nostr-tools' own, an independent implementation, is the reference.
describe('NIP-44', () => {
  it('is what nostr-tools writes and reads, byte for byte, at every length', () => {
    const text = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }),
      fc.integer({ min: 1, max: 65_535 }).map(length => 'x'.repeat(length)),
    )
    fc.assert(
      fc.property(text, fc.uint8Array({ minLength: 32, maxLength: 32 }), (plain, nonce) => {
        const payload = encrypt(plain, key, nonce)
        expect(payload).toBe(reference.encrypt(plain, key, nonce))
        expect(decrypt(payload, key)).toBe(plain)
      }),
    )
    for (const length of [1, 32, 33, 64, 65, 256, 257, 320, 1024, 1025, 20_480, 65_535])
      expect(decrypt(reference.encrypt('y'.repeat(length), key), key)).toHaveLength(length)
  })

  it('draws a nonce for each message, and holds 1 to 65,535 bytes', () => {
    expect(encrypt('x', key)).not.toBe(encrypt('x', key))
    for (const wrong of ['', 'x'.repeat(65_536)]) expect(() => encrypt(wrong, key)).toThrow(RangeError)
  })

  it('opens nothing that was changed anywhere, and nothing with another key', () => {
    const bytes = Buffer.from(encrypt('a message', key), 'base64')
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes)
      changed[i]! ^= 1
      expect(() => decrypt(changed.toString('base64'), key)).toThrow()
    }
    expect(() => decrypt(bytes.toString('base64'), randomBytes(32))).toThrow(/MAC/)
  })

  it.each([
    ['nothing', ''],
    ['no base64', `#${encrypt('x', key).slice(1)}`],
    ['base64url', encrypt('x', key, new Uint8Array(32).fill(0xff)).replaceAll('/', '_')],
    ['what follows its padding', `${encrypt('x', key)}AAAA`],
    ['another version', `AQ${encrypt('x', key).slice(2)}`],
    ['too little', Buffer.concat([Uint8Array.of(2), randomBytes(90)]).toString('base64')],
  ])('refuses %s', (_, payload) => {
    expect(() => decrypt(payload, key)).toThrow()
  })

  it('refuses a length that its padding contradicts', () => {
    // Sealed with the right keys, as a hostile sender can: a length of 40 in room for 32.
    const lying = encrypt('x'.repeat(32), key)
    const honest = Buffer.from(lying, 'base64')
    expect(honest).toHaveLength(1 + 32 + 2 + 32 + 32)
    expect(() => decrypt(resealed(honest, 40), key)).toThrow(/padding/)
    expect(() => decrypt(resealed(honest, 0), key)).toThrow(/padding/)
    expect(decrypt(resealed(honest, 31), key)).toBe('x'.repeat(31))
  })
})
