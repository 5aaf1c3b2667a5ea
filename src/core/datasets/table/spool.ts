import type { Block } from '../cells/column.ts'
import { NamelessFile } from '../nameless-file.ts'
import { BlockReader, type FiledBlock, type SharedBlock, type StoredBlock, sharedBlock } from './block.ts'

const MEMORY = 256 * 1024 * 1024

/**
 * A table's blocks on their way from the first pass to the second. What does not fit into `memory` bytes goes to a
 * temporary file.
 */
export class Spool {
  readonly #stored: StoredBlock[] = []
  readonly #memory: number
  readonly #folder: string | undefined
  #size = 0
  #written = 0
  #file: NamelessFile | undefined

  constructor(folder?: string, memory: number = MEMORY) {
    this.#folder = folder
    this.#memory = memory
  }

  /** @returns whether the block's own memory, if it is shared, is kept; a block in other memory is copied */
  append(block: Block | SharedBlock): boolean {
    const size = block.columns.reduce((total, column) => total + column.BYTES_PER_ELEMENT * block.rows, 0)
    if (this.#file !== undefined || this.#size + size > this.#memory) {
      this.#stored.push(this.#filed(block))
      return false
    }
    this.#stored.push('memory' in block ? block : sharedBlock(block))
    this.#size += size
    return true
  }

  #filed({ rows, columns }: Block): FiledBlock {
    this.#file ??= new NamelessFile(this.#folder)
    const places = []
    for (const column of columns) {
      const values = column.subarray(0, rows)
      this.#file.append(new Uint8Array(values.buffer, values.byteOffset, values.byteLength))
      places.push({ position: this.#written, double: column instanceof Float64Array })
      this.#written += values.byteLength
    }
    return { rows, file: this.#file.descriptor, places }
  }

  /** In the order they came. */
  get stored(): readonly StoredBlock[] {
    return this.#stored
  }

  /** The same, read: a block is valid until the next one is asked for. */
  *blocks(): Generator<Block> {
    const reader = new BlockReader()
    for (const block of this.#stored) yield reader.block(block)
  }

  close(): void {
    this.#file?.close()
    this.#file = undefined
    this.#stored.length = 0
  }
}
