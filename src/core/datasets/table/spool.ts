import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BLOCK, type Block } from '../cells/column.ts'

const MEMORY = 256 * 1024 * 1024

/**
 * A table's blocks on their way from the first pass to the second. What does not fit into `memory` bytes goes to a
 * temporary file, which has no name any more once it is open: a killed process leaves nothing.
 */
export class Spool {
  readonly #held: Block[] = []
  readonly #onDisk: { rows: number; kinds: boolean[] }[] = []
  readonly #memory: number
  readonly #folder: string
  #size = 0
  #file: number | undefined

  constructor(folder: string = tmpdir(), memory: number = MEMORY) {
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
    this.#file ??= nameless(this.#folder)
    for (const column of block.columns) writeAll(this.#file, bytesOf(column))
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
        const column = buffers.get(c) ?? (isFloat ? new Float64Array(BLOCK) : new Int32Array(BLOCK))
        buffers.set(c, column)
        readAll(this.#file!, bytesOf(column), position) // open, checked above
        position += column.byteLength
        return column
      })
      yield { rows, columns }
    }
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file)
    this.#file = undefined
    this.#held.length = 0
    this.#onDisk.length = 0
  }
}

function nameless(parent: string): number {
  const folder = mkdtempSync(join(parent, 'gradstr-rows-'))
  try {
    return openSync(join(folder, 'rows'), 'wx+')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const bytesOf = (column: Float64Array | Int32Array) =>
  new Uint8Array(column.buffer, column.byteOffset, column.byteLength)

function writeAll(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
}

function readAll(file: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; ) {
    const read = readSync(file, bytes, at, bytes.length - at, position + at)
    if (read === 0) throw new Error('the temporary file of rows ended early')
    at += read
  }
}
