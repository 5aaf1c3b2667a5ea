import { createCipheriv, createDecipheriv } from 'node:crypto'

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
  const cipher = createCipheriv('aes-256-gcm', key, nonce(index)).setAAD(aad(index, last))
  const sealed = into.subarray(0, plain.length + tagBytes)
  // In pieces that stay in the processor's cache between `update` and the copy into place.
  for (let at = 0; at < plain.length; at += piece)
    sealed.set(cipher.update(plain.subarray(at, at + piece)), at)
  cipher.final()
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
  const decipher = createDecipheriv('aes-256-gcm', key, nonce(index), { authTagLength: tagBytes })
    .setAAD(aad(index, last))
    .setAuthTag(sealed.subarray(end))
  for (let at = 0; at < end; at += piece)
    into.set(decipher.update(sealed.subarray(at, Math.min(at + piece, end))), at)
  decipher.final()
  return into.subarray(0, end)
}

const piece = 64 * 1024

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
