import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { type TensorData, type TensorType, writeSafetensors } from '../training/index.ts'
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
  /** Appends rows: values of each tensor, in their order. The arrays belong to the writer from now on. */
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
  const pieces = new PassThrough({ objectMode: true, highWaterMark: 2 })
  pieces.on('error', () => undefined) // told through `written`
  const waiting: TensorData[][] = tensors.slice(1).map(() => [])
  let held: TensorData[] = []
  let size = 0
  const write = async () => {
    const piece = joined(held)
    held = []
    size = 0
    if (piece && !pieces.write(piece)) await Promise.race([once(pieces, 'drain'), failed])
  }
  const written = writeSafetensors(
    path,
    tensors.map(({ name, dtype, row }, i) => ({
      name,
      dtype,
      shape: [rows, ...row],
      data: i === 0 ? pieces : waiting[i - 1]!, // one list for each but the first
    })),
  )
  const failed = written.then(() => undefined)
  failed.catch(() => pieces.destroy())
  return {
    async push(first, ...others) {
      if (!first || others.length !== waiting.length) throw new TypeError('values of each tensor')
      for (const [i, values] of others.entries()) waiting[i]!.push(values) // as many as lists
      held.push(first)
      size += first.byteLength
      if (size >= WORTH_WRITING) await write()
    },
    async finish() {
      await write()
      for (const values of waiting) if (values.length > 1) values.splice(0, Infinity, joined(values)!)
      pieces.end()
      const file = await written
      return { path, rows, bytes: file.size, sha256: file.sha256 }
    },
    async abandon() {
      pieces.destroy(new Error('abandoned'))
      await written.catch(() => undefined)
    },
  }
}

function joined(pieces: readonly TensorData[]): TensorData | undefined {
  if (pieces.length < 2) return pieces[0]
  const all = Buffer.concat(
    pieces.map(piece => new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength)),
  )
  return new Uint8Array(all.buffer, all.byteOffset, all.byteLength)
}
