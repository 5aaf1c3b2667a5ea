import { BLOCK, type Block } from '../cells/column.ts'
import { readWhole } from '../nameless-file.ts'

/** A block whose columns lie one behind the other in memory that threads share. */
export interface SharedBlock extends Block {
  memory: SharedArrayBuffer
}

/** A block in an open file: where each column lies, and whether it holds doubles, not codes. */
export interface FiledBlock {
  rows: number
  file: number
  places: readonly { position: number; double: boolean }[]
}

/** A block as it crosses to a thread: nothing of it is copied. */
export type StoredBlock = SharedBlock | FiledBlock

/** Bytes of a value's place in shared memory. */
const PLACE = 8

/** Copies a block into shared memory. @param memory  of a block that is not needed any more, used if it is large enough */
export function sharedBlock({ rows, columns }: Block, memory?: SharedArrayBuffer): SharedBlock {
  const size = columns.length * rows * PLACE
  const into = memory && memory.byteLength >= size ? memory : new SharedArrayBuffer(size)
  const copies = columns.map((column, c) => {
    const at = c * rows * PLACE
    const copy =
      column instanceof Float64Array ? new Float64Array(into, at, rows) : new Int32Array(into, at, rows)
    copy.set(column.subarray(0, rows))
    return copy
  })
  return { rows, columns: copies, memory: into }
}

/** The columns at these places alone. */
export function withColumns(block: StoredBlock, at: readonly number[]): StoredBlock {
  // Every block of a table has all columns.
  if ('columns' in block) return { ...block, columns: at.map(place => block.columns[place]!) }
  return { ...block, places: at.map(place => block.places[place]!) }
}

/** Reads stored blocks. What lay in a file is valid until the same column of another block is read. */
export class BlockReader {
  readonly #rooms = new Map<number, ArrayBuffer>()

  block(stored: StoredBlock): Block {
    if ('columns' in stored) return stored
    return { rows: stored.rows, columns: stored.places.map((_, at) => this.column(stored, at)) }
  }

  /** @param at  the column's place in the block */
  column(stored: StoredBlock, at: number): Float64Array | Int32Array {
    if ('columns' in stored) return stored.columns[at]! // every block of a table has all columns
    const { position, double } = stored.places[at]!
    const column = new (double ? Float64Array : Int32Array)(this.#room(at), 0, stored.rows)
    readWhole(stored.file, new Uint8Array(column.buffer, 0, column.byteLength), position)
    return column
  }

  #room(at: number): ArrayBuffer {
    const room = this.#rooms.get(at) ?? new ArrayBuffer(BLOCK * PLACE)
    this.#rooms.set(at, room)
    return room
  }
}
