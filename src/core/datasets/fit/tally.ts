import { BlockReader, type StoredBlock } from '../table/block.ts'
import { addTo, noSums, type Sums } from './moments.ts'

export interface TallyRequest {
  /** All of the table's, in their order: sums depend on it in their last bits. */
  blocks: readonly StoredBlock[]
  /** Of each block's rows: 0 is the holdout, negative is no row of ours. */
  buckets: readonly Int32Array[]
  columns: readonly TalliedColumn[]
}

export interface TalliedColumn {
  /** The column's place in each block. */
  at: number
  /** How many texts its dictionary lists, if it is one of texts. */
  texts: number | undefined
}

/** What the shards' rows of one column tell. */
export type Tally = { kind: 'numbers'; sums: Sums } | { kind: 'texts'; rows: number; counts: Float64Array }

/** @returns one for each of `columns` */
export function tally({ blocks, buckets, columns }: TallyRequest): Tally[] {
  const reader = new BlockReader()
  const tallies = columns.map(
    ({ texts }): Tally =>
      texts === undefined
        ? { kind: 'numbers', sums: noSums() }
        : { kind: 'texts', rows: 0, counts: new Float64Array(texts) },
  )
  for (const [b, block] of blocks.entries())
    for (const [c, { at }] of columns.entries()) add(tallies[c]!, reader.column(block, at), buckets[b]!)
  return tallies
}

function add(tally: Tally, column: Float64Array | Int32Array, buckets: Int32Array): void {
  if (tally.kind === 'numbers') addTo(tally.sums, column, buckets)
  else tally.rows += count(tally.counts, column, buckets)
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
