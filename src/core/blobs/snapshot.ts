import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The encrypted chunks of one file, immutable whatever happens to the file later. */
export interface Snapshot {
  /** Memory that chunk `index` can be sealed into, once all but the chunk before it are kept. */
  room(index: number, bytes: number): Buffer
  keep(sha256: string, sealed: Buffer): Promise<void>
  read(sha256: string): Promise<Buffer>
  drop(): Promise<void>
}

/** For files of any size: one file per chunk, named by its SHA-256. */
export function snapshotIn(folder: string): Snapshot {
  const buffers: Buffer[] = []
  let made: Promise<unknown> | undefined
  return {
    // Two in turn: one is encrypted into while the other is written.
    room(index, bytes) {
      const buffer = buffers[index % 2] ?? Buffer.allocUnsafe(bytes)
      buffers[index % 2] = buffer
      return buffer
    },
    async keep(sha256, sealed) {
      made ??= mkdir(folder, { recursive: true })
      await made
      await writeFile(join(folder, sha256), sealed)
    },
    read: sha256 => readFile(join(folder, sha256)),
    drop: () => rm(folder, { recursive: true, force: true }),
  }
}

/** For files of a few chunks: what is sent in a moment need not pass through the disk. */
export function snapshotInMemory(): Snapshot {
  const chunks = new Map<string, Buffer>()
  return {
    room: (_, bytes) => Buffer.allocUnsafeSlow(bytes),
    keep: async (sha256, sealed) => void chunks.set(sha256, sealed),
    async read(sha256) {
      const sealed = chunks.get(sha256)
      if (!sealed) throw new Error(`chunk ${sha256} was not kept`)
      return sealed
    },
    drop: async () => chunks.clear(),
  }
}
