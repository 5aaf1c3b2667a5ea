import type { Crew } from '../table/crew.ts'
import { type EncodedRows, type EncodeRequest, encodeBlocks } from './encode-blocks.ts'
import { type Tally, type TallyRequest, tally } from './tally.ts'

/** Who fits and encodes: whoever does it, the result is the same. */
export interface Hands {
  /** Requests that it is worth to have under way at the same time. */
  width: number
  tally(request: TallyRequest): Promise<Tally>
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
    tally: request => crew.ask('tally', request),
    encode: request => crew.ask('encode', request),
  }
}
