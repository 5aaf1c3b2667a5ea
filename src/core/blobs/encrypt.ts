import { createHash, hash, randomBytes } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'
import { UserError } from '../../shared/errors.ts'
import { type Memory, memoryOf } from '../../shared/memory.ts'
import { bytes } from '../../shared/units.ts'
import { sealChunk } from './chunk.ts'
import { type Hashing, hashingBeside, hashingHere } from './hashing.ts'
import { maxChunk, maxChunks, type Sealed, tagBytes } from './manifest.ts'
import { type Snapshot, snapshotIn } from './snapshot.ts'

export interface EncryptOptions {
  /** Hex. Only a key that has sealed exactly these bytes before may be given; else a fresh one is drawn. */
  key?: string
  /** Plaintext bytes per chunk. */
  chunkSize?: number
  /** Media type of the plaintext. */
  type?: string
  /** For the plaintext on its way. */
  memory?: Memory
}

/** From this size on, hashing the plaintext in a thread of its own saves more than the thread costs. */
const worthAThread = 64 * 1024 * 1024
const hashedAtOnce = 256 * 1024

/** Encrypts a file into `outFolder`, one file per chunk, named by its SHA-256; else as `sealFile`. */
export const encryptFile = (path: string, outFolder: string, options: EncryptOptions = {}): Promise<Sealed> =>
  sealFile(path, snapshotIn(outFolder), options)

/**
 * Encrypts a file into a snapshot. Reads the file once, a few chunks in memory.
 * @throws UserError `blobs/unreadable`, `blobs/too-large`
 */
export async function sealFile(path: string, into: Snapshot, options: EncryptOptions = {}): Promise<Sealed> {
  const {
    key = randomBytes(32).toString('hex'),
    chunkSize = maxChunk,
    type = 'application/octet-stream',
    memory = memoryOf(maxChunk),
  } = options
  const file = await openToRead(path)
  const expected = (await file.stat()).size
  if (expected > chunkSize * maxChunks) {
    await file.close()
    throw new UserError('blobs/too-large', {
      message: `The file is larger than ${maxChunks} chunks of ${chunkSize} bytes.`,
      fix: 'Split the dataset into smaller shards.',
      where: path,
    })
  }
  const whole = expected >= worthAThread ? hashingBeside() : hashingHere(memory)
  try {
    const sealed = await sealAll(file, { into, key, whole, room: Math.min(chunkSize, expected + 1) })
    return { v: 1, key, ...sealed, sha256: await whole.digest(), type }
  } finally {
    await whole.stop()
    await file.close()
  }
}

interface Sealing {
  into: Snapshot
  key: string
  whole: Hashing
  /** Plaintext bytes of a full chunk. */
  room: number
}

/** While one chunk is encrypted, the one before is written, and where it pays the plaintext is hashed beside. */
async function sealAll(
  file: FileHandle,
  { into, key, whole, room }: Sealing,
): Promise<Pick<Sealed, 'chunks' | 'size'>> {
  const secret = Buffer.from(key, 'hex')
  // One is encrypted, two are read ahead, the others wait to be hashed.
  const plains = lazily(3 + whole.behind, () => whole.memory(room))
  const hashes: Promise<void>[] = []
  // Failures are thrown where these are waited for: some chunks later, or at the end.
  const writes: Promise<void>[] = []
  const chunks: { sha256: string; size: number }[] = []
  let size = 0
  for await (const { plain, index, last } of chunksOf(file, room, plains)) {
    hashes[index] = whole.update(plain)
    hashes[index].catch(() => {})
    await writes[index - 2]
    const sealed = sealChunk(secret, index, last, plain, into.room(index, room + tagBytes))
    const sha256 = hash('sha256', sealed)
    writes[index] = into.keep(sha256, sealed)
    writes[index].catch(() => {})
    chunks.push({ sha256, size: sealed.length })
    size += plain.length
    await hashes[index - whole.behind]
  }
  await Promise.all([...writes, ...hashes])
  return { chunks, size: bytes(size) }
}

/** `count` buffers in turn, each made when its turn first comes: a small file has no use for most of them. */
function lazily(count: number, make: () => Buffer): (index: number) => Buffer {
  const made: Buffer[] = []
  return index => {
    const buffer = made[index % count] ?? make()
    made[index % count] = buffer
    return buffer
  }
}

/**
 * A file's chunks, read ahead: a full chunk is the last only when nothing follows it. A short one always is; the file
 * may grow meanwhile, but this blob has ended.
 */
async function* chunksOf(file: FileHandle, room: number, buffer: (index: number) => Buffer) {
  const read = (index: number): Promise<Buffer> => fill(file, buffer(index))
  let plain = await read(0)
  let next = plain.length < room ? undefined : read(1)
  for (let index = 0; ; index++) {
    const following = await next
    const last = following === undefined || following.length === 0
    // Read while this chunk is encrypted, into the buffer that neither this one nor the next is in.
    next = last || following.length < room ? undefined : read(index + 2)
    // Thrown where it is waited for.
    next?.catch(() => {})
    yield { plain, index, last }
    if (last) return
    plain = following
  }
}

async function fill(file: FileHandle, buffer: Buffer): Promise<Buffer> {
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  return buffer.subarray(0, length)
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
