import { BLOCK, type Block } from '../cells/column.ts'
import { NamelessFile } from '../nameless-file.ts'

const MEMORY = 256 * 1024 * 1024

/**
 * A table's blocks on their way from the first pass to the second. What does not fit into `memory` bytes goes to a
 * temporary file.
 */
export class Spool {
  readonly #held: Block[] = []
  readonly #onDisk: { rows: number; kinds: boolean[] }[] = []
  readonly #memory: number
  readonly #folder: string | undefined
  #size = 0
  #file: NamelessFile | undefined

  constructor(folder?: string, memory: number = MEMORY) {
    this.#folder = folder
    this.#memory = memory
  }

  append(block: Block): void {
    const size = block.columns.reduce((total, column) => total + column.byteLength, 0)
    if (this.#file === undefined && this.#size + size <= this.#memory) {
      this.#held.push(block)
      this.#size += size
      return
    }
    this.#file ??= new NamelessFile(this.#folder)
    for (const column of block.columns) this.#file.append(bytesOf(column.subarray(0, block.rows)))
    this.#onDisk.push({ rows: block.rows, kinds: block.columns.map(c => c instanceof Float64Array) })
  }

  /** In the order they came, as often as wanted. A block is valid until the next one is asked for. */
  *blocks(): Generator<Block> {
    yield* this.#held
    if (this.#file === undefined) return
    const buffers = new Map<number, Float64Array | Int32Array>()
    let position = 0
    for (const { rows, kinds } of this.#onDisk) {
      const columns = kinds.map((isFloat, c) => {
        const buffer = buffers.get(c) ?? (isFloat ? new Float64Array(BLOCK) : new Int32Array(BLOCK))
        buffers.set(c, buffer)
        const column = buffer.subarray(0, rows)
        this.#file!.read(bytesOf(column), position) // open, checked above
        position += column.byteLength
        return column
      })
      yield { rows, columns }
    }
  }

  close(): void {
    this.#file?.close()
    this.#file = undefined
    this.#held.length = 0
    this.#onDisk.length = 0
  }
}

const bytesOf = (column: Float64Array | Int32Array) =>
  new Uint8Array(column.buffer, column.byteOffset, column.byteLength)
