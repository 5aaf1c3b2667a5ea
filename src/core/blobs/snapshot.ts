import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Memory } from '../../shared/memory.ts'

/** The encrypted chunks of one file, immutable whatever happens to the file later. */
export interface Snapshot {
  /** Makes the folder where each chunk is a file, named by its SHA-256; there is none when chunks stay in memory. */
  folder?(): Promise<string>
  /** Memory that a sealed chunk stays in; without, it may lie anywhere until it is kept. */
  room?(bytes: number): Buffer
  keep(sha256: string, sealed: Buffer): Promise<void>
  read(sha256: string): Promise<Buffer>
  /** Once no request reads of it any more. */
  drop(): Promise<void>
}

/** For files of any size. */
export function snapshotIn(path: string): Snapshot {
  let made: Promise<string> | undefined
  const folder = () => {
    made ??= mkdir(path, { recursive: true }).then(() => path)
    return made
  }
  return {
    folder,
    keep: async (sha256, sealed) => writeFile(join(await folder(), sha256), sealed),
    read: sha256 => readFile(join(path, sha256)),
    drop: () => rm(path, { recursive: true, force: true }),
  }
}

/** For files of a few chunks: what is sent in a moment need not pass through the disk. */
export function snapshotInMemory(memory: Memory): Snapshot {
  const chunks = new Map<string, Buffer>()
  return {
    room: memory.lend,
    keep: async (sha256, sealed) => void chunks.set(sha256, sealed),
    async read(sha256) {
      const sealed = chunks.get(sha256)
      if (!sealed) throw new Error(`chunk ${sha256} was not kept`)
      return sealed
    },
    async drop() {
      for (const sealed of chunks.values()) memory.takeBack(sealed)
      chunks.clear()
    },
  }
}
