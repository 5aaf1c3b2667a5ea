import {
  type Cipheriv,
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  type Decipheriv,
} from 'node:crypto'
import { discard } from '../../shared/memory.ts'

/** What AES-GCM adds to each chunk: its authentication tag. */
export const tagBytes = 16

const version = 1

/**
 * Encrypts one chunk: AES-256-GCM, the nonce is the chunk's index (12 bytes, big-endian), authenticated beside it are
 * version, index and whether it is the last (6 bytes). So a chunk opens only at its own place, and a blob that lost
 * its end has no last chunk. The key must belong to this blob alone: a nonce used twice gives the key away.
 * @param into  memory for the result, at least 16 bytes longer than `plain`
 * @returns ciphertext, then the 16-byte tag
 */
export function sealChunk(
  key: Uint8Array,
  index: number,
  last: boolean,
  plain: Uint8Array,
  into: Buffer = Buffer.allocUnsafe(plain.length + tagBytes),
): Buffer {
  const cipher = createCipheriv('aes-256-gcm', createSecretKey(key), nonce(index)).setAAD(aad(index, last))
  const sealed = into.subarray(0, plain.length + tagBytes)
  transform(cipher, plain, sealed)
  sealed.set(cipher.getAuthTag(), plain.length)
  return sealed
}

/**
 * @param into  memory for the plaintext; `sealed` itself will do
 * @throws Error when anything differs from what was sealed: a bit, the index, the last mark, the key
 */
export function openChunk(
  key: Uint8Array,
  index: number,
  last: boolean,
  sealed: Uint8Array,
  into: Buffer = Buffer.allocUnsafe(Math.max(0, sealed.length - tagBytes)),
): Buffer {
  const end = sealed.length - tagBytes
  if (end < 0) throw new Error('shorter than its tag')
  const decipher = createDecipheriv('aes-256-gcm', createSecretKey(key), nonce(index), {
    authTagLength: tagBytes,
  })
    .setAAD(aad(index, last))
    .setAuthTag(sealed.subarray(end))
  transform(decipher, sealed.subarray(0, end), into)
  return into.subarray(0, end)
}

const piece = 64 * 1024

/** In pieces that stay in the processor's cache between `update` and the copy into place. */
function transform(cipher: Cipheriv | Decipheriv, from: Uint8Array, into: Uint8Array): void {
  for (let at = 0; at < from.length; at += piece) {
    const done = cipher.update(from.subarray(at, at + piece))
    into.set(done, at)
    discard(done)
  }
  cipher.final()
}

function nonce(index: number): Uint8Array {
  const bytes = Buffer.alloc(12)
  bytes.writeUInt32BE(index, 8)
  return bytes
}

function aad(index: number, last: boolean): Uint8Array {
  const bytes = Buffer.alloc(6)
  bytes.writeUInt8(version, 0)
  bytes.writeUInt32BE(index, 1)
  bytes.writeUInt8(last ? 1 : 0, 5)
  return bytes
}
