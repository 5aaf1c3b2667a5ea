import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { type TensorData, writeSafetensors } from '../training/index.ts'
import type { Shard } from './types.ts'

export interface ShardShape {
  rows: number
  inputs: number
  x: 'F32' | 'U8'
  y: 'I32' | 'F32'
}

export interface ShardWriter {
  /** Appends rows. Both arrays belong to the writer from now on. */
  push(x: TensorData, y: TensorData): Promise<void>
  finish(): Promise<Shard>
  /** Ends without a file. */
  abandon(): Promise<void>
}

/**
 * A safetensors file written while its rows come in: `x` [rows, inputs], then `y`: [rows] i32 classes, or [rows, 1] f32.
 * `x` goes straight to the disk; `y`, four bytes a row, waits in memory for its turn.
 */
export function openShard(path: string, { rows, inputs, x, y }: ShardShape): ShardWriter {
  const pieces = new PassThrough({ objectMode: true, highWaterMark: 2 })
  pieces.on('error', () => undefined) // told through `written`
  const answers: TensorData[] = []
  const written = writeSafetensors(path, [
    { name: 'x', dtype: x, shape: [rows, inputs], data: pieces },
    { name: 'y', dtype: y, shape: y === 'I32' ? [rows] : [rows, 1], data: answers },
  ])
  const failed = written.then(() => undefined)
  failed.catch(() => pieces.destroy())
  return {
    async push(piece, answer) {
      answers.push(answer)
      if (!pieces.write(piece)) await Promise.race([once(pieces, 'drain'), failed])
    },
    async finish() {
      pieces.end()
      const { size, sha256 } = await written
      return { path, rows, bytes: size, sha256 }
    },
    async abandon() {
      pieces.destroy(new Error('abandoned'))
      await written.catch(() => undefined)
    },
  }
}
