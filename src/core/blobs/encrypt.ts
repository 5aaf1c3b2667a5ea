import { createHash, randomBytes, webcrypto } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { UserError } from '../../shared/errors.ts'
import { bytes } from '../../shared/units.ts'
import { sealChunk } from './chunk.ts'
import { maxChunk, maxChunks, type Sealed } from './manifest.ts'

export interface EncryptOptions {
  /** Hex. Only a key that has sealed exactly these bytes before may be given; else a fresh one is drawn. */
  key?: string
  /** Plaintext bytes per chunk. */
  chunkSize?: number
  /** Media type of the plaintext. */
  type?: string
}

/**
 * Encrypts a file into `outFolder`, one file per chunk, named by its SHA-256: an immutable snapshot, whatever happens
 * to the file later. Reads the file once, a few chunks in memory.
 * @throws UserError `blobs/unreadable`, `blobs/too-large`
 */
export async function encryptFile(
  path: string,
  outFolder: string,
  options: EncryptOptions = {},
): Promise<Sealed> {
  const {
    key = randomBytes(32).toString('hex'),
    chunkSize = maxChunk,
    type = 'application/octet-stream',
  } = options
  await mkdir(outFolder, { recursive: true })
  const secret = Buffer.from(key, 'hex')
  const whole = createHash('sha256')
  const chunks: { sha256: string; size: number }[] = []
  let size = 0
  // The chunk before last is written and hashed (in Node's thread pool) while this one is encrypted.
  let behind: Promise<void> = Promise.resolve()
  for await (const { plain, index, last } of chunksOf(path, chunkSize)) {
    const sealed = sealChunk(secret, index, last, plain)
    const saved = save(sealed, outFolder).then(sha256 => {
      chunks[index] = { sha256, size: sealed.length }
    })
    whole.update(plain)
    size += plain.length
    await behind
    behind = saved
  }
  await behind
  return { v: 1, key, chunks, sha256: whole.digest('hex'), size: bytes(size), type }
}

async function save(sealed: Buffer, folder: string): Promise<string> {
  const sha256 = Buffer.from(await webcrypto.subtle.digest('SHA-256', sealed)).toString('hex')
  await writeFile(join(folder, sha256), sealed)
  return sha256
}

/** A file's chunks, read one ahead: whether a chunk is the last is known only when the next is empty. */
async function* chunksOf(path: string, chunkSize: number) {
  const file = await openToRead(path)
  try {
    const buffers = [Buffer.allocUnsafe(chunkSize), Buffer.allocUnsafe(chunkSize)] as const
    let plain = await fill(file, buffers[0])
    for (let index = 0; ; index++) {
      if (index === maxChunks)
        throw new UserError('blobs/too-large', {
          message: `The file is larger than ${maxChunks} chunks of ${chunkSize} bytes.`,
          fix: 'Split the dataset into smaller shards.',
          where: path,
        })
      const next = fill(file, buffers[index % 2 === 0 ? 1 : 0])
      // Only when nobody waits for it: the loop's own error comes first.
      next.catch(() => {})
      const last = plain.length < chunkSize || (await next).length === 0
      yield { plain, index, last }
      if (last) return
      plain = await next
    }
  } finally {
    await file.close()
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
  const hash = createHash('sha256')
  const file = await openToRead(path)
  await pipeline(createReadStream(path, { fd: file, highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
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
