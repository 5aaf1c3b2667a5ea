import { randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { UserError } from '../../shared/errors.ts'
import type { Bytes } from '../../shared/units.ts'
import type { KeyPair } from '../identity/index.ts'
import type { BlossomClient, Chunk } from './client.ts'
import { encryptFile, hashFile } from './encrypt.ts'
import { noServer, ServerError, type ServerProblem, twice } from './errors.ts'

import { type Manifest, maxServers, originsOf, type Sealed, stride } from './manifest.ts'
import { inParallel } from './parallel.ts'
import type { Remembered, sealedTable } from './sealed-table.ts'

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
  now: () => number
  /** Runs works of the same name one after the other. */
  alone: <T>(name: string, work: () => Promise<T>) => Promise<T>
  /** Told of every server that was given up. */
  report: (problem: ServerProblem) => void
}

/** Chunks on their way to one server at the same time. */
const width = 3

/** Uploads one file; see `Blobs.upload`. */
export async function uploadFile(
  path: string,
  options: UploadOptions,
  tools: UploadTools,
): Promise<Manifest> {
  const { purpose = '' } = options
  const sha256 = await hashFile(path)
  return await tools.alone(`${purpose} ${sha256}`, () => uploadSealed(path, sha256, options, tools))
}

async function uploadSealed(
  path: string,
  sha256: string,
  options: UploadOptions,
  tools: UploadTools,
): Promise<Manifest> {
  const { purpose = '', signal, type } = options
  const known = tools.table.find(purpose, sha256)
  const folder = join(tools.folder, 'outgoing', `${process.pid}-${randomUUID()}`)
  // Sealed when the first chunk must be sent: what all servers have already needs no second encryption.
  let snapshot: Promise<Sealed> | undefined
  const seal = () => {
    snapshot ??= sealOnce(path, folder, { sha256, known, type, chunkSize: tools.chunkSize })
    return snapshot
  }
  try {
    const sealed: Sealed = known ? { v: 1, ...known, type } : await seal()
    signal?.throwIfAborted()
    // Before a byte is sent: after a crash the same bytes must find this key again.
    if (!known) tools.table.save(purpose, sealed, tools.now())
    const read = async (chunk: Chunk) => {
      await seal()
      return await readFile(join(folder, chunk.sha256))
    }
    const servers = await spread(sealed, { ...options, resumed: known !== undefined, read }, tools)
    return { ...sealed, servers }
  } finally {
    // A failed encryption has been thrown already.
    await snapshot?.catch(() => {})
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Encrypts into `folder`; with the remembered key when there is one, and then only if the file still is what that key
 * sealed. Nothing of a changed file leaves this machine under an old key.
 */
async function sealOnce(
  path: string,
  folder: string,
  expected: { sha256: string; known: Remembered | undefined; type: string; chunkSize: Bytes },
): Promise<Sealed> {
  const { sha256, known, type } = expected
  // A file in one chunk does not tell how large its chunks could have been.
  const single = known?.chunks.length === 1
  const chunkSize = Math.max(known ? stride(known) : 0, known && !single ? 0 : expected.chunkSize)
  const sealed = await encryptFile(path, folder, { type, chunkSize, ...(known ? { key: known.key } : {}) })
  if (sealed.sha256 !== sha256 || (known && !isDeepStrictEqual(sealed.chunks, known.chunks)))
    throw new UserError('blobs/changed', {
      message: 'The file changed while it was being uploaded.',
      fix: 'Wait until nothing writes to it, then start again.',
      where: path,
    })
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
