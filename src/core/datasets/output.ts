import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { openShard, type RowTensor, type ShardWriter } from './shards.ts'
import type { Shard } from './types.ts'

/**
 * Makes a folder of shards all or nothing: files are made in a hidden folder inside `out` and moved when every one is
 * complete. After an error nothing is left, not even `out` if it was not there before.
 */
export async function intoFolder<T>(
  out: string,
  make: (folder: string) => Promise<{ files: string[]; result: T }>,
): Promise<T> {
  const existed = existsSync(out)
  await mkdir(out, { recursive: true })
  const folder = await mkdtemp(join(out, '.preparing-'))
  try {
    const { files, result } = await make(folder)
    for (const file of files) await rename(join(folder, file), join(out, file))
    await rm(folder, { recursive: true, force: true })
    return result
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    if (!existed) await rm(out, { recursive: true, force: true })
    throw error
  }
}

export const HOLDOUT = 'holdout.safetensors'
export const ENCODING = 'encoding.json'
export const shardName = (index: number): string => `shard-${String(index).padStart(4, '0')}.safetensors`

/** Opens one writer for each size (bucket 0 is the holdout), lets them be fed, and finishes or abandons them all. */
export async function writeBuckets(
  folder: string,
  sizes: readonly number[],
  tensors: RowTensor[],
  feed: (writers: ShardWriter[]) => Promise<void>,
): Promise<Shard[]> {
  const writers = sizes.map((rows, bucket) =>
    openShard(join(folder, bucket === 0 ? HOLDOUT : shardName(bucket - 1)), { rows, tensors }),
  )
  try {
    await feed(writers)
    return await Promise.all(writers.map(writer => writer.finish()))
  } catch (error) {
    await Promise.all(writers.map(writer => writer.abandon()))
    throw error
  }
}

/** The same shard, where it lies after the move. */
export const movedTo = (out: string, shard: Shard): Shard => ({
  ...shard,
  path: join(out, basename(shard.path)),
})
