import { randomUUID } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Memory } from '../../shared/memory.ts'
import type { Bytes } from '../../shared/units.ts'
import type { KeyPair } from '../identity/index.ts'
import type { BlossomClient, Chunk } from './client.ts'
import { hashFile, sealFile } from './encrypt.ts'
import { changed, noServer, ServerError, type ServerProblem, twice } from './errors.ts'
import { type Manifest, maxServers, originsOf, type Sealed, stride } from './manifest.ts'
import { inParallel } from './parallel.ts'
import type { Remembered, sealedTable } from './sealed-table.ts'
import { type Snapshot, snapshotIn, snapshotInMemory } from './snapshot.ts'

export interface UploadOptions {
  /** Every one of them is tried; one that takes the whole blob is enough. At most 16. */
  servers: readonly string[]
  /** Signs the servers' tokens: J or P, never the identity. */
  signer: KeyPair
  /** Media type of the plaintext, told to whoever has the manifest and to nobody else. */
  type: string
  /** The same bytes for another purpose get another key, so that servers cannot link the two. */
  purpose?: string
  signal?: AbortSignal
}

export interface UploadTools {
  client: BlossomClient
  table: ReturnType<typeof sealedTable>
  folder: string
  chunkSize: Bytes
  memory: Memory
  now: () => number
  /** Runs works of the same name one after the other. */
  alone: <T>(name: string, work: () => Promise<T>) => Promise<T>
  /** Told of every server that was given up. */
  report: (problem: ServerProblem) => void
}

/** Chunks on their way to one server at the same time. */
const width = 3

/** A file of at most so many chunks is held in memory while it is sent. */
const heldInMemory = 4

/** Uploads one file; see `Blobs.upload`. */
export function uploadFile(path: string, options: UploadOptions, tools: UploadTools): Promise<Manifest> {
  const { purpose = '' } = options
  return tools.alone(purpose, async () => {
    // What was never sealed for this purpose has no key to be found: its hash falls off while it is encrypted.
    const sha256 = tools.table.knows(purpose) ? await hashFile(path) : undefined
    return await uploadSealed(path, sha256, options, tools)
  })
}

async function uploadSealed(
  path: string,
  sha256: string | undefined,
  options: UploadOptions,
  tools: UploadTools,
): Promise<Manifest> {
  const { purpose = '', signal, type } = options
  const known = sha256 === undefined ? undefined : tools.table.find(purpose, sha256)
  const into = await snapshotFor(path, tools)
  // Sealed when the first chunk must be sent: what all servers have already needs no second encryption.
  let sealing: Promise<Sealed> | undefined
  const seal = () => {
    sealing ??= sealOnce(path, into, { sha256, known, type }, tools)
    return sealing
  }
  try {
    const sealed: Sealed = known ? { v: 1, ...known, type } : await seal()
    signal?.throwIfAborted()
    // Before a byte is sent: after a crash the same bytes must find this key again.
    if (!known) tools.table.save(purpose, sealed, tools.now())
    const read = async (chunk: Chunk) => {
      await seal()
      return await into.read(chunk.sha256)
    }
    const servers = await spread(sealed, { ...options, resumed: known !== undefined, read }, tools)
    return { ...sealed, servers }
  } finally {
    // A failed encryption has been thrown already.
    await sealing?.catch(() => {})
    await into.drop()
  }
}

async function snapshotFor(path: string, { folder, chunkSize, memory }: UploadTools): Promise<Snapshot> {
  // A file that is not there is named when it is opened.
  const size = await stat(path).then(
    found => found.size,
    () => 0,
  )
  return size <= heldInMemory * chunkSize
    ? snapshotInMemory(memory)
    : snapshotIn(join(folder, 'outgoing', `${process.pid}-${randomUUID()}`))
}

/**
 * Encrypts, with the remembered key when there is one, and then only if the file still is what that key sealed. Nothing
 * of a changed file leaves this machine under an old key.
 */
async function sealOnce(
  path: string,
  into: Snapshot,
  expected: {
    sha256: string | undefined
    known: Remembered | undefined
    type: string
  },
  tools: UploadTools,
): Promise<Sealed> {
  const { sha256, known, type } = expected
  const { memory } = tools
  // A file in one chunk does not tell how large its chunks could have been.
  const single = known?.chunks.length === 1
  const chunkSize = Math.max(known ? stride(known) : 0, known && !single ? 0 : tools.chunkSize)
  const sealed = await sealFile(path, into, { type, chunkSize, memory, ...(known ? { key: known.key } : {}) })
  const other =
    (sha256 !== undefined && sealed.sha256 !== sha256) ||
    (known && !isDeepStrictEqual(sealed.chunks, known.chunks))
  if (other) throw changed(path)
  return sealed
}

interface Spread extends UploadOptions {
  /** An earlier attempt may have sent some chunks. */
  resumed: boolean
  read(chunk: Chunk): Promise<Buffer>
}

/** Once one server has the whole, the others have this long, and twice the time that it took, in milliseconds. */
const grace = 2_000

/** @returns the servers that have every chunk now, in the order given */
async function spread({ chunks }: Sealed, options: Spread, tools: UploadTools): Promise<string[]> {
  const servers = originsOf(options.servers).slice(0, maxServers)
  const began = performance.now()
  const late = new AbortController()
  const stop = () => late.abort(options.signal?.reason)
  options.signal?.addEventListener('abort', stop)
  let patience: NodeJS.Timeout | undefined
  const fill = async (server: string): Promise<void> => {
    await fillServer(server, chunks, { ...options, signal: late.signal }, tools.client)
    const giveUp = () => late.abort(new ServerError('is much slower than the others'))
    patience ??= setTimeout(giveUp, grace + 2 * (performance.now() - began))
  }
  const results = await Promise.allSettled(servers.map(fill))
  clearTimeout(patience)
  options.signal?.removeEventListener('abort', stop)
  const problems: ServerProblem[] = []
  for (const [i, result] of results.entries()) {
    if (result.status === 'fulfilled') continue
    // Not a server's fault: the file changed, the disk is full, the caller stopped it.
    if (!(result.reason instanceof ServerError)) throw result.reason
    problems.push({ server: servers[i] ?? '', reason: result.reason.message })
  }
  problems.forEach(tools.report)
  if (problems.length === servers.length) throw noServer('blobs/not-stored', problems)
  return servers.filter((_, i) => results[i]?.status === 'fulfilled')
}

async function fillServer(
  server: string,
  chunks: Chunk[],
  options: Spread,
  client: BlossomClient,
): Promise<void> {
  const { signer, signal } = options
  let checked: Promise<void> | undefined
  await inParallel(chunks, width, async chunk => {
    if (options.resumed && (await client.has(server, chunk, signal))) return
    checked ??= client.check(server, chunk, signer, signal)
    await checked
    const content = await options.read(chunk)
    await twice(() => client.put(server, chunk, content, signer, signal))
  })
}
