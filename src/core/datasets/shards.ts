import { type TensorData, type TensorType, writeSafetensors } from '../training/index.ts'
import { Handover } from './handover.ts'
import type { Shard } from './types.ts'

/** Pieces for many shards are small: they wait for each other, so that not every one is a call to the disk. */
const WORTH_WRITING = 512 * 1024

export interface ShardShape {
  rows: number
  /** The first is the large one. */
  tensors: RowTensor[]
}

/** One row of a tensor `[rows, …row]`. */
export interface RowTensor {
  name: string
  dtype: TensorType
  row: number[]
}

/** Inputs as a row of numbers, and the answers: classes, or one number each. */
export const answered = (inputs: number[], x: 'F32' | 'U8', y: 'I32' | 'F32'): RowTensor[] => [
  { name: 'x', dtype: x, row: inputs },
  { name: 'y', dtype: y, row: y === 'I32' ? [] : [1] },
]

export interface ShardWriter {
  /** Appends rows: values of each tensor, in their order. The arrays are not needed any more when it is done. */
  push(...values: TensorData[]): Promise<void>
  finish(): Promise<Shard>
  /** Ends without a file. */
  abandon(): Promise<void>
}

/**
 * A safetensors file written while its rows come in. The first tensor goes straight to the disk; the others, a few bytes a
 * row, wait in memory for their turn.
 */
export function openShard(path: string, { rows, tensors }: ShardShape): ShardWriter {
  const pieces = new Handover<TensorData>()
  const waiting: TensorData[][] = tensors.slice(1).map(() => [])
  const held = new Held()
  const written = writeSafetensors(
    path,
    tensors.map(({ name, dtype, row }, i) => ({
      name,
      dtype,
      shape: [rows, ...row],
      data: i === 0 ? pieces : waiting[i - 1]!, // one list for each but the first
    })),
  )
  written.catch(error => pieces.fail(error))
  const write = async (piece: TensorData | undefined) => (piece ? pieces.give(piece) : undefined)
  return {
    async push(first, ...others) {
      if (!first || others.length !== waiting.length) throw new TypeError('values of each tensor')
      for (const [i, values] of others.entries()) waiting[i]!.push(values.slice()) // as many as lists
      if (first.byteLength < WORTH_WRITING) return write(held.add(first))
      await write(held.take())
      await write(first)
    },
    async finish() {
      await write(held.take())
      pieces.end()
      const file = await written
      return { path, rows, bytes: file.size, sha256: file.sha256 }
    },
    async abandon() {
      pieces.fail(new Error('abandoned'))
      await written.catch(() => undefined)
    },
  }
}

/** Small pieces, copied one behind the other. */
class Held {
  #room = new Uint8Array(0)
  #used = 0

  /** @returns all of them, once they are worth writing */
  add(piece: TensorData): Uint8Array | undefined {
    const needed = this.#used + piece.byteLength
    if (needed > this.#room.length) {
      const room = new Uint8Array(Math.min(2 * WORTH_WRITING, 2 * needed))
      room.set(this.#room.subarray(0, this.#used))
      this.#room = room
    }
    this.#room.set(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength), this.#used)
    this.#used = needed
    return needed >= WORTH_WRITING ? this.take() : undefined
  }

  /** Valid until the next one is added. */
  take(): Uint8Array | undefined {
    const all = this.#used === 0 ? undefined : this.#room.subarray(0, this.#used)
    this.#used = 0
    return all
  }
}
