import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../shared/errors.ts'
import { memoryOf } from '../../shared/memory.ts'
import { type Bytes, bytes } from '../../shared/units.ts'
import type { KeyPair } from '../identity/index.ts'
import type { Database } from '../store/index.ts'
import { tagBytes } from './chunk.ts'
import { type BlossomClient, createClient } from './client.ts'
import { type DownloadOptions, downloadFile } from './download.ts'
import { listed, ServerError, type ServerProblem, twice } from './errors.ts'
import { lengthened, shortened } from './listed.ts'
import { type Manifest, maxChunk } from './manifest.ts'
import { oneByOne } from './one-by-one.ts'
import { inParallel } from './parallel.ts'
import type { AddressPolicy } from './policy.ts'
import { sealedTable } from './sealed-table.ts'
import { type UploadOptions, uploadFile } from './upload.ts'

export interface BlobsOptions {
  db: Database
  /** For what is under way: `outgoing/` and `incoming/`. */
  folder: string
  /** Which addresses may be contacted; see `addressPolicy`. */
  policy: AddressPolicy
  /** Unix seconds. */
  now?: () => number
  /** A server that moves nothing for this long is given up. */
  stallMs?: number
  /** Plaintext bytes per chunk. */
  chunkSize?: Bytes
  /** Told of every server that was given up, and why, also when another one serves. */
  report?: (problem: ServerProblem) => void
}

interface RemoveOptions {
  /** The key that uploaded it. */
  signer: KeyPair
  signal?: AbortSignal
}

/** Encrypted blobs on any Blossom server (docs/protocol.md, blobs). */
export interface Blobs {
  /**
   * Encrypts a file and stores it on every server that takes it. Idempotent by the file's bytes and `purpose`: the
   * same key again, also after a crash, and what a server has already is not sent again. The manifest of a large file
   * is stored as a blob too, and what is returned is that blob's; `download` and `remove` see through it.
   * @throws UserError `blobs/not-stored` when no server took all of it, `blobs/unreadable`, `blobs/changed`,
   *   `blobs/too-large`, `blobs/disk-full`
   */
  upload(path: string, options: UploadOptions): Promise<Manifest>
  /**
   * Fetches a blob from the allowed servers, verifies and decrypts it, and puts it in place at once. Goes on where an
   * earlier try was cut short.
   * @throws UserError `blobs/not-found` when no server gave a chunk, `blobs/too-large`, `blobs/bad-manifest`,
   *   `blobs/disk-full`
   */
  download(manifest: Manifest, toPath: string, options: DownloadOptions): Promise<void>
  /**
   * Deletes a blob from the servers its manifest names, and forgets its key.
   * @throws UserError `blobs/not-deleted` naming the servers that still may have it
   */
  remove(manifest: Manifest, options: RemoveOptions): Promise<void>
}

/** Days after which an unfinished download is given up. */
const keptDays = 7

export function createBlobs(options: BlobsOptions): Blobs {
  const { folder, now = () => Math.floor(Date.now() / 1000), report = () => {} } = options
  const { chunkSize = bytes(maxChunk) } = options
  const client = createClient({
    now,
    policy: options.policy,
    stallMs: options.stallMs ?? 10_000,
  })
  const table = sealedTable(options.db)
  const alone = oneByOne()
  clearOutgoing(join(folder, 'outgoing'))
  clearIncoming(join(folder, 'incoming'), now() - keptDays * 86_400)
  const memory = memoryOf(maxChunk + tagBytes)
  const failures = new Map<string, number>()
  const tools = { client, table, folder, chunkSize, memory, now, alone, report, failures }
  return {
    upload: (path, request) =>
      explained(async () => shortened(await uploadFile(path, request, tools), request, tools)),
    download: (short, toPath, request) =>
      explained(async () => downloadFile(await lengthened(short, request, tools), toPath, request, tools)),
    async remove(short, request) {
      const full = await lengthened(short, { ...request, servers: short.servers }, tools)
      const problems = await removeFrom(client, full, request)
      // The list last: without it nobody knows what else there is to delete.
      if (full !== short && problems.length === 0)
        problems.push(...(await removeFrom(client, short, request)))
      problems.forEach(report)
      if (problems.length > 0)
        throw new UserError('blobs/not-deleted', {
          message: `Some servers may still have the encrypted blob. ${listed(problems)}`,
          fix: 'Nobody can read it without its key; it can be deleted again later.',
        })
      for (const { key } of [full, short]) table.forget(key)
    },
  }
}

async function removeFrom(
  client: BlossomClient,
  { chunks, servers }: Manifest,
  { signer, signal }: RemoveOptions,
): Promise<ServerProblem[]> {
  const problems: ServerProblem[] = []
  for (const server of servers) {
    try {
      await inParallel(chunks, 4, chunk => twice(() => client.remove(server, chunk.sha256, signer, signal)))
    } catch (error) {
      if (!(error instanceof ServerError)) throw error
      problems.push({ server, reason: error.message })
    }
  }
  return problems
}

async function explained<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
    throw new UserError('blobs/disk-full', {
      message: 'The disk is full.',
      fix: 'Free some space, or move the home to another disk with --home, and start again.',
      cause: error,
    })
  }
}

/** Snapshots whose process was killed. Their names begin with the process's number. */
function clearOutgoing(folder: string): void {
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(folder)) {
    const pid = Number.parseInt(name, 10)
    if (pid !== process.pid && !isRunning(pid)) rmSync(join(folder, name), { recursive: true, force: true })
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // Another user's process, then; it runs.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function clearIncoming(folder: string, before: number): void {
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (statSync(path).mtimeMs / 1000 < before) rmSync(path, { force: true })
  }
}
