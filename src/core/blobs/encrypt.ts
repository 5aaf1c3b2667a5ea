import { createHash, randomBytes } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { UserError } from '../../shared/errors.ts'
import { type Memory, memoryOf } from '../../shared/memory.ts'
import { bytes } from '../../shared/units.ts'
import { tagBytes } from './chunk.ts'
import type { Chunk } from './client.ts'
import { changed } from './errors.ts'
import { maxChunk, maxChunks, type Sealed } from './manifest.ts'
import { inParallel } from './parallel.ts'
import { type Sealing, sealingFor } from './sealing.ts'
import { type Snapshot, snapshotIn } from './snapshot.ts'

interface EncryptOptions {
  /** Hex. Only a key that has sealed exactly these bytes before may be given; else a fresh one is drawn. */
  key?: string
  /** Plaintext bytes per chunk. */
  chunkSize?: number
  /** Media type of the plaintext. */
  type?: string
  /** For chunks on their way. */
  memory?: Memory
}

const hashedAtOnce = 256 * 1024

/** Encrypts a file into `outFolder`, one file per chunk, named by its SHA-256; else as `sealFile`. */
export const encryptFile = (path: string, outFolder: string, options: EncryptOptions = {}): Promise<Sealed> =>
  sealFile(path, snapshotIn(outFolder), options)

/**
 * Encrypts a file into a snapshot: as many bytes as the file has now, whatever happens to it later. Reads it once, a few
 * chunks in memory.
 * @throws UserError `blobs/unreadable`, `blobs/too-large`, `blobs/changed`
 */
export async function sealFile(path: string, into: Snapshot, options: EncryptOptions = {}): Promise<Sealed> {
  const {
    key = randomBytes(32).toString('hex'),
    chunkSize = maxChunk,
    type = 'application/octet-stream',
    memory = memoryOf(maxChunk + tagBytes),
  } = options
  const file = await openToRead(path)
  try {
    const { size } = await file.stat()
    if (size > chunkSize * maxChunks) tooLarge(path, chunkSize)
    const sealing = await sealingFor(size, { key: Buffer.from(key, 'hex'), into, memory })
    try {
      const chunks = await sealAll({ file, path, size }, Math.max(1, Math.min(chunkSize, size)), sealing)
      return { v: 1, key, chunks, size: bytes(size), sha256: await sealing.digest(), type }
    } finally {
      await sealing.stop()
    }
  } finally {
    await file.close()
  }
}

interface Source {
  file: FileHandle
  path: string
  size: number
}

/**
 * Each chunk is read, hashed, sealed and written, several at a time; only the hash of the whole goes in order.
 * @param stride  plaintext bytes of a full chunk
 */
async function sealAll(source: Source, stride: number, sealing: Sealing): Promise<Chunk[]> {
  const { size } = source
  const chunks = new Array<Chunk>(Math.max(1, Math.ceil(size / stride)))
  const free: Buffer[] = []
  let reading: Promise<void> = Promise.resolve()
  await inParallel([...chunks.keys()], sealing.width, async index => {
    const memory = free.pop() ?? sealing.memory(stride)
    const plain = memory.subarray(0, Math.min(stride, size - index * stride))
    // One read after the other, so that what follows each is in the order of the file.
    reading = reading.then(() => fill(plain, index * stride, source))
    await reading
    const added = sealing.add(plain)
    const [sha256] = await Promise.all([
      sealing.seal(plain, { index, last: index === chunks.length - 1 }),
      added,
    ])
    chunks[index] = { sha256, size: plain.length + tagBytes }
    free.push(memory)
  })
  return chunks
}

async function fill(room: Buffer, position: number, { file, path }: Source): Promise<void> {
  for (let at = 0; at < room.length; ) {
    const { bytesRead } = await file.read(room, at, room.length - at, position + at)
    if (bytesRead === 0) throw changed(path)
    at += bytesRead
  }
}

function tooLarge(path: string, chunkSize: number): never {
  throw new UserError('blobs/too-large', {
    message: `The file is larger than ${maxChunks} chunks of ${chunkSize} bytes.`,
    fix: 'Split the dataset into smaller shards.',
    where: path,
  })
}

/** SHA-256 of a file, hex. */
export async function hashFile(path: string): Promise<string> {
  const whole = createHash('sha256')
  const file = await openToRead(path)
  try {
    // One buffer for all of it, no larger than the file: memory that is dropped is collected, and that stops everything.
    const { size } = await file.stat()
    const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(size, hashedAtOnce)))
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, buffer.length)
      if (bytesRead === 0) return whole.digest('hex')
      whole.update(buffer.subarray(0, bytesRead))
    }
  } finally {
    await file.close()
  }
}

async function openToRead(path: string): Promise<FileHandle> {
  try {
    return await open(path)
  } catch (cause) {
    throw new UserError('blobs/unreadable', {
      message: 'The file to upload cannot be read.',
      fix: 'Check that it exists and that you may read it.',
      where: path,
      cause,
    })
  }
}
