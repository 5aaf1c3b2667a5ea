import { sha256 } from '@noble/hashes/sha2.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'

/** NIP-06, account 0. */
export const IDENTITY_PATH = "m/44'/1237'/0'/0/0"

/** Gradstr's branches below its purpose (the job's kind number): documented in docs/protocol.md, never changed. */
const PURPOSE = 36450
const BRANCH = { job: 0, engagement: 1, payments: 2 } as const
export type Branch = keyof typeof BRANCH

/**
 * `m/36450'/branch'/a'/b'/c'/d'` with a, b, c, d the first four 31-bit words of SHA-256(name). A name is spread
 * over 124 bits, so that two jobs never share a key, and a key follows from the mnemonic and the name alone.
 */
export function pathOf(branch: Branch, name: string): string {
  const digest = sha256(utf8ToBytes(name))
  const view = new DataView(digest.buffer, digest.byteOffset, digest.byteLength)
  const words = [0, 4, 8, 12].map(at => view.getUint32(at) & 0x7fffffff)
  return `m/${PURPOSE}'/${BRANCH[branch]}'/${words.map(word => `${word}'`).join('/')}`
}
