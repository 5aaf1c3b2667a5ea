import { createHash, hash } from 'node:crypto'
import { constants } from 'node:fs'
import { copyFile, type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { UserError } from '../../shared/errors.ts'
import type { Memory } from '../../shared/memory.ts'
import type { Bytes } from '../../shared/units.ts'
import { writeWhole } from '../../shared/writing.ts'
import type { KeyPair } from '../identity/index.ts'
import { openChunk, sealChunk, tagBytes } from './chunk.ts'
import type { BlossomClient, Chunk } from './client.ts'
import { badManifest, noServer, ServerError, type ServerProblem, twice } from './errors.ts'
import { type Manifest, originsOf, stride } from './manifest.ts'
import { inParallel } from './parallel.ts'

export interface DownloadOptions {
  /** The only ones that are asked; first those that the manifest names too. */
  servers: readonly string[]
  /** What the job's terms promise; a manifest that says more is refused before anything is fetched. */
  maxBytes: Bytes
  /** Signs only where a server wants to know who reads. */
  signer?: KeyPair
  signal?: AbortSignal
}

export interface DownloadTools {
  client: BlossomClient
  folder: string
  alone: <T>(name: string, work: () => Promise<T>) => Promise<T>
  report: (problem: ServerProblem) => void
  /** By server, since it last gave something: whoever failed is asked last, also for the next blob. */
  failures: Map<string, number>
  /** For chunks on their way. */
  memory: Memory
}

/** Chunks fetched at the same time. */
const width = 4

/** Downloads one blob; see `Blobs.download`. */
export async function downloadFile(
  manifest: Manifest,
  toPath: string,
  options: DownloadOptions,
  tools: DownloadTools,
): Promise<void> {
  if (manifest.size > options.maxBytes)
    throw new UserError('blobs/too-large', {
      message: `The blob has ${manifest.size} bytes, but at most ${options.maxBytes} were agreed on.`,
      fix: 'Nothing was downloaded. The other side must keep to the terms of the job.',
    })
  const name = hash('sha256', JSON.stringify([manifest.key, manifest.chunks]))
  await tools.alone(name, async () => {
    const part = join(tools.folder, 'incoming', `${name}.part`)
    const progress = { verified: 0 }
    try {
      await fillPart(part, manifest, { ...options, progress }, tools)
      await mkdir(dirname(toPath), { recursive: true })
      await moveTo(part, toPath)
    } catch (error) {
      // Kept for the next try only when it was interrupted, not refused, and there is something to keep.
      const interrupted =
        options.signal?.aborted || (error instanceof UserError && error.code === 'blobs/not-found')
      if (!interrupted || progress.verified === 0) await rm(part, { force: true })
      throw error
    }
  })
}

interface Fill extends DownloadOptions {
  progress: { verified: number }
}

/** Fetches what the part file does not hold yet, chunk by chunk, and checks the hash of the whole on the way. */
async function fillPart(
  part: string,
  manifest: Manifest,
  options: Fill,
  tools: DownloadTools,
): Promise<void> {
  const { chunks, size, sha256 } = manifest
  const key = Buffer.from(manifest.key, 'hex')
  const fetchChunk = chunkFetcher(manifest, options, tools)
  const whole = createHash('sha256')
  const queue = inOrder()
  await mkdir(dirname(part), { recursive: true })
  const file = await open(part, constants.O_RDWR | constants.O_CREAT, 0o600)
  try {
    const held = (await file.stat()).size
    await inParallel(chunks, width, async (chunk, index) => {
      const turn = queue.join()
      const place = { key, index, last: index === chunks.length - 1, at: index * stride(manifest) }
      const memory = tools.memory.lend(chunk.size)
      try {
        options.signal?.throwIfAborted()
        const mayBeHere = place.at + chunk.size - tagBytes <= held
        const known = mayBeHere ? await heldBy(file, chunk, place, memory) : undefined
        const plain = known ?? (await fetchChunk(chunk, place, memory))
        if (!known) await writeWhole(file, plain, place.at)
        await turn.comes
        whole.update(plain)
      } finally {
        turn.over()
        tools.memory.takeBack(memory)
      }
      options.progress.verified++
    })
    await file.truncate(size)
  } finally {
    await file.close()
  }
  if (whole.digest('hex') !== sha256)
    throw badManifest('Every chunk is as the manifest says, but the whole does not have the hash it names.')
}

interface Place {
  key: Buffer
  index: number
  last: boolean
  at: number
}

/** A chunk that an earlier try wrote whole: sealed again it must have the manifest's hash. */
async function heldBy(
  file: FileHandle,
  chunk: Chunk,
  { key, index, last, at }: Place,
  memory: Buffer,
): Promise<Buffer | undefined> {
  const plain = memory.subarray(0, chunk.size - tagBytes)
  const { bytesRead } = await file.read(plain, 0, plain.length, at)
  if (bytesRead !== plain.length) return undefined
  const sealed = sealChunk(key, index, last, plain, memory)
  return hash('sha256', sealed) === chunk.sha256 ? openChunk(key, index, last, sealed, memory) : undefined
}

/** Turns in the order in which they were asked for, to be given on in any case. */
function inOrder(): { join(): { comes: Promise<void>; over(): void } } {
  let last: Promise<void> = Promise.resolve()
  return {
    join() {
      const comes = last
      let over = (): void => {}
      last = new Promise(resolve => {
        over = resolve
      })
      return { comes, over }
    },
  }
}

/**
 * Decrypts a chunk where it lies. What opens with the blob's key is its maker's, and the hash of the whole says that it
 * is the right thing; only what does not open is hashed, to learn whose fault it is.
 * @throws ServerError when these are other bytes, UserError `blobs/bad-manifest` when they are the ones it names
 */
function opened(sealed: Buffer, { sha256 }: Chunk, { key, index, last }: Place): Buffer {
  const tag = Buffer.from(sealed.subarray(-tagBytes))
  try {
    return openChunk(key, index, last, sealed, sealed)
  } catch {
    // The cipher is its own inverse: what was decrypted in place becomes what had come.
    const plain = sealed.subarray(0, sealed.length - tagBytes)
    sealChunk(key, index, last, plain, sealed).set(tag, plain.length)
    if (hash('sha256', sealed) !== sha256) throw new ServerError('gave other bytes than the ones asked for')
    throw badManifest(
      `Chunk ${index + 1} is as the manifest says, but does not open with its key at this place.`,
    )
  }
}

/** Fetches and opens a chunk from the first server that gives it; servers that failed are asked last from then on. */
function chunkFetcher(
  manifest: Manifest,
  options: DownloadOptions,
  { client, report, failures }: DownloadTools,
) {
  const allowed = originsOf(options.servers)
  const named = new Set(originsOf(manifest.servers))
  const servers = [...allowed.filter(s => named.has(s)), ...allowed.filter(s => !named.has(s))]
  const trust = (server: string) => failures.get(server) ?? 0
  return async (chunk: Chunk, place: Place, into: Buffer): Promise<Buffer> => {
    const problems: ServerProblem[] = []
    for (const server of servers.toSorted((a, b) => trust(a) - trust(b))) {
      try {
        await twice(() => client.get(server, chunk, into, options.signer, options.signal))
        const plain = opened(into, chunk, place)
        failures.delete(server)
        return plain
      } catch (error) {
        if (!(error instanceof ServerError)) throw error
        failures.set(server, trust(server) + 1)
        problems.push({ server, reason: error.message })
        report({ server, reason: error.message })
      }
    }
    throw noServer('blobs/not-found', problems)
  }
}

/** Into place at once; over a boundary of file systems by way of a neighbour of the target. */
async function moveTo(part: string, target: string): Promise<void> {
  try {
    await rename(part, target)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EXDEV')) throw error
    const neighbour = `${target}.part`
    try {
      await copyFile(part, neighbour)
      await rename(neighbour, target)
    } finally {
      await rm(neighbour, { force: true })
    }
    await rm(part, { force: true })
  }
}
