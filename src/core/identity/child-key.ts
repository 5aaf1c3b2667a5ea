import { createHmac, createSecretKey } from 'node:crypto'
import type { HDKey } from '@scure/bip32'
import * as curve from './curve.ts'

/** A node of BIP-32's tree, as far as its non-hardened children need it; without `secret` below an xpub. */
export interface TreeKey {
  secret?: Uint8Array
  /** 33 bytes. */
  publicKey: Uint8Array
  chainCode: Uint8Array
  depth: number
}

/** @throws RangeError for a key that has no public part or chain code */
export function treeKey({ privateKey, publicKey, chainCode, depth }: HDKey): TreeKey {
  if (!publicKey || !chainCode) throw new RangeError('an extended key without its public part')
  return { publicKey, chainCode, depth, ...(privateKey ? { secret: privateKey } : {}) }
}

/**
 * BIP-32's non-hardened child, private or public, over `curve`: @scure/bip32 does the same in JavaScript at some
 * milliseconds each, and a round takes six with every provider.
 * @param index  0 to 2^31 − 1
 */
export function childKey(from: TreeKey, index: number): TreeKey {
  const number = Buffer.alloc(4)
  number.writeUInt32BE(index)
  const hash = createHmac('sha512', createSecretKey(from.chainCode))
    .update(from.publicKey)
    .update(number)
    .digest()
  const [tweak, chainCode] = [new Uint8Array(hash.subarray(0, 32)), new Uint8Array(hash.subarray(32))]
  const below = { chainCode, depth: from.depth + 1 }
  try {
    if (!from.secret) return { ...below, publicKey: curve.tweakPoint(from.publicKey, tweak) }
    const secret = curve.tweakSecret(from.secret, tweak)
    return { ...below, secret, publicKey: curve.publicKey(secret) }
  } catch (error) {
    // BIP-32: one number in 2^127 has no key, and the next one takes its place.
    if (error instanceof RangeError || error instanceof TypeError) return childKey(from, index + 1)
    throw error
  }
}
