import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { type TensorData, writeSafetensors } from '../training/index.ts'
import type { Shard } from './types.ts'

/** Pieces for many shards are small: they wait for each other, so that not every one is a call to the disk. */
const WORTH_WRITING = 64 * 1024

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
  let held: TensorData[] = []
  let size = 0
  const write = async () => {
    const piece = joined(held)
    held = []
    size = 0
    if (piece && !pieces.write(piece)) await Promise.race([once(pieces, 'drain'), failed])
  }
  const written = writeSafetensors(path, [
    { name: 'x', dtype: x, shape: [rows, inputs], data: pieces },
    { name: 'y', dtype: y, shape: y === 'I32' ? [rows] : [rows, 1], data: answers },
  ])
  const failed = written.then(() => undefined)
  failed.catch(() => pieces.destroy())
  return {
    async push(piece, answer) {
      answers.push(answer)
      held.push(piece)
      size += piece.byteLength
      if (size >= WORTH_WRITING) await write()
    },
    async finish() {
      await write()
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
