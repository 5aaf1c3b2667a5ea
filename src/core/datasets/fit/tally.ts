import { BlockReader, type StoredBlock } from '../table/block.ts'
import { addTo, noSums, type Sums } from './moments.ts'

export interface TallyRequest {
  /** All of the table's, in their order: sums depend on it in their last bits. */
  blocks: readonly StoredBlock[]
  /** Of each block's rows: 0 is the holdout, negative is no row of ours. */
  buckets: readonly Int32Array[]
  /** The column's place in each block. */
  at: number
  /** How many texts its dictionary lists, if it is one of texts. */
  texts: number | undefined
}

/** What the shards' rows of one column tell. */
export type Tally = { kind: 'numbers'; sums: Sums } | { kind: 'texts'; rows: number; counts: Float64Array }

export function tally({ blocks, buckets, at, texts }: TallyRequest): Tally {
  const reader = new BlockReader()
  const sums = noSums()
  const counted = { kind: 'texts', rows: 0, counts: new Float64Array(texts ?? 0) } as const
  let rows = 0
  for (const [b, block] of blocks.entries()) {
    const column = reader.column(block, at)
    if (texts === undefined) addTo(sums, column, buckets[b]!)
    else rows += count(counted.counts, column, buckets[b]!)
  }
  return texts === undefined ? { kind: 'numbers', sums } : { ...counted, rows }
}

/** @returns rows of the shards */
function count(counts: Float64Array, codes: Float64Array | Int32Array, buckets: Int32Array): number {
  let rows = 0
  for (let i = 0; i < buckets.length; i++) {
    if (buckets[i]! <= 0) continue
    rows++
    if (codes[i]! >= 0) counts[codes[i]!]!++
  }
  return rows
}
