import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { serializeEvent } from 'nostr-tools/pure'
import type { EventTemplate, NostrEvent } from './event.ts'

const BATCH = 2000

/** Beyond this a machine would mine for days: a job that asks for more is not bid on. */
export const MAX_WORK = 32

/**
 * NIP-13: a template with a nonce such that the event signed by `pubkey` has an id with at least `bits` leading
 * zero bits. Yields to the event loop between batches. About 2^bits hashes, some hundred thousand a second.
 * @throws the signal's reason when aborted
 */
export async function mine(
  template: EventTemplate,
  pubkey: string,
  bits: number,
  { signal }: { signal?: AbortSignal } = {},
): Promise<EventTemplate> {
  if (!Number.isInteger(bits) || bits < 0 || bits > MAX_WORK) throw new RangeError(`not a work: ${bits} bits`)
  if (bits === 0) return template
  const [before, after] = aroundNonce(template, pubkey, bits)
  for (let nonce = 0; ; nonce++) {
    if (nonce % BATCH === 0) {
      await nextTurn()
      signal?.throwIfAborted()
    }
    const digest = createHash('sha256').update(`${before}${nonce}${after}`).digest()
    if (zeroBits(digest) >= bits)
      return { ...template, tags: [...template.tags, ['nonce', String(nonce), String(bits)]] }
  }
}

/** NIP-01's serialisation, split where the nonce goes. */
function aroundNonce(template: EventTemplate, pubkey: string, bits: number): [string, string] {
  // No tag of ours can hold this: its quotes would be escaped.
  const tags = [...template.tags, ['nonce', '', String(bits)]]
  const text = serializeEvent({ ...template, pubkey, tags })
  const mark = `["nonce","","${bits}"]`
  const at = text.lastIndexOf(`${mark}],${JSON.stringify(template.content)}]`) + '["nonce","'.length
  return [text.slice(0, at), text.slice(at)]
}

/**
 * The work an event counts for, in bits: what it committed to, if its id shows it, else 0. A lucky id is no work
 * (NIP-13). The id must be verified.
 */
export function workOf(event: Pick<NostrEvent, 'id' | 'tags'>): number {
  const target = event.tags.find(tag => tag[0] === 'nonce')?.[2]
  if (target === undefined || !/^\d{1,3}$/.test(target)) return 0
  const committed = Number(target)
  return zeroBits(Buffer.from(event.id, 'hex')) >= committed ? committed : 0
}

function zeroBits(bytes: Uint8Array): number {
  let bits = 0
  for (const byte of bytes) {
    if (byte !== 0) return bits + Math.clz32(byte) - 24
    bits += 8
  }
  return bits
}
