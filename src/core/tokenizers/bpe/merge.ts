import { Heap } from './heap.ts'
import type { PairMap } from './pairs.ts'

/** The merges of a byte-pair encoding, in the order in which they were learned. */
export interface Merges {
  /** Rank of a pair; the lower comes first. */
  ranks: PairMap
  /** The token that a rank's pair becomes. */
  merged: Int32Array
}

/** Below it looking through all pairs is faster than keeping a heap of them. */
const SHORT = 32

/**
 * Byte-pair encoding of one word (Sennrich et al. 2016, arXiv 1508.07909): as long as a pair of neighbours has a merge, the
 * one of the lowest rank is merged, the leftmost first. O(n log n), so that a word of a megabyte is no trap.
 * @param symbols  tokens of single characters or bytes; overwritten
 * @returns how many tokens are left, at the beginning of `symbols`
 */
export function mergeWord(symbols: Int32Array, length: number, merges: Merges): number {
  return length < SHORT ? mergeShort(symbols, length, merges) : mergeLong(symbols, length, merges)
}

function mergeShort(symbols: Int32Array, length: number, { ranks, merged }: Merges): number {
  let n = length
  while (n > 1) {
    let best = -1
    let place = -1
    for (let i = 0; i + 1 < n; i++) {
      const rank = ranks.get(symbols[i]!, symbols[i + 1]!)
      if (rank >= 0 && (best < 0 || rank < best)) {
        best = rank
        place = i
      }
    }
    if (best < 0) break
    symbols[place] = merged[best]!
    symbols.copyWithin(place + 1, place + 2, n)
    n--
  }
  return n
}

/** A candidate is rank · 2³² + place: one number, ordered by rank and then from left to right. */
const PLACES = 2 ** 32

function mergeLong(symbols: Int32Array, length: number, { ranks, merged }: Merges): number {
  const next = Int32Array.from({ length }, (_, i) => i + 1)
  const last = Int32Array.from({ length: length + 1 }, (_, i) => i - 1)
  const gone = new Uint8Array(length)
  const candidates = new Heap<number>((a, b) => a < b)
  const offer = (at: number) => {
    if (at < 0 || next[at]! >= length) return
    const rank = ranks.get(symbols[at]!, symbols[next[at]!]!)
    if (rank >= 0) candidates.push(rank * PLACES + at)
  }
  for (let i = 0; i + 1 < length; i++) offer(i)
  for (let top = candidates.pop(); top !== undefined; top = candidates.pop()) {
    const at = top % PLACES
    const rank = Math.floor(top / PLACES)
    const right = next[at]!
    // A merge nearby may have changed either of the two since.
    if (gone[at] || right >= length || ranks.get(symbols[at]!, symbols[right]!) !== rank) continue
    symbols[at] = merged[rank]!
    gone[right] = 1
    next[at] = next[right]!
    last[next[at]!] = at
    offer(last[at]!)
    offer(at)
  }
  let n = 0
  for (let i = 0; i < length; i++) if (!gone[i]) symbols[n++] = symbols[i]!
  return n
}
