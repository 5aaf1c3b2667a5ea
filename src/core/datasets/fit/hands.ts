import { type StoredBlock, withColumns } from '../table/block.ts'
import type { Crew } from '../table/crew.ts'
import { type EncodedRows, type EncodeRequest, encodeBlocks } from './encode-blocks.ts'
import { type TalliedColumn, type Tally, type TallyRequest, tally } from './tally.ts'

/** Who fits and encodes: whoever does it, the result is the same. */
export interface Hands {
  /** Requests that it is worth to have under way at the same time. */
  width: number
  tally(request: TallyRequest): Promise<Tally[]>
  encode(request: EncodeRequest): Promise<EncodedRows>
}

/** Cells of a table from which on threads save more than their start costs. */
const WORTH_THREADS = 4_000_000

export function handsFor(rows: number, columns: number, crew: Crew): Hands {
  if (crew.size < 2 || rows * columns < WORTH_THREADS)
    return {
      width: 1,
      tally: async request => tally(request),
      encode: async request => encodeBlocks(request),
    }
  return {
    width: 2 * crew.size,
    tally: async ({ blocks, buckets, columns }) => {
      const most = Math.ceil(columns.length / crew.size)
      const groups = Array.from({ length: crew.size }, (_, i) => columns.slice(i * most, (i + 1) * most))
      const tallies = await Promise.all(
        groups
          .filter(group => group.length > 0)
          .map(group => crew.ask('tally', { buckets, ...only(blocks, group) })),
      )
      return tallies.flat()
    },
    encode: request => crew.ask('encode', request),
  }
}

/** Some columns and what blocks hold of them: each array that goes to a thread costs about what its sum does. */
function only(blocks: readonly StoredBlock[], columns: readonly TalliedColumn[]) {
  const places = columns.map(({ at }) => at)
  return {
    blocks: blocks.map(block => withColumns(block, places)),
    columns: columns.map(({ texts }, at) => ({ at, texts })),
  }
}
