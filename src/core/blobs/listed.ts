import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bytes } from '../../shared/units.ts'
import { type DownloadOptions, type DownloadTools, downloadFile } from './download.ts'
import { badManifest } from './errors.ts'
import { type Manifest, manifest } from './manifest.ts'
import { type UploadOptions, type UploadTools, uploadFile } from './upload.ts'

/** A manifest of this type is for a blob that holds the real one. */
const listType = 'application/vnd.gradstr.manifest+json'
/** With more chunks a manifest becomes a blob itself: an event holds 32 kB, and often two manifests. */
const inlineChunks = 64
/** A manifest of 4096 chunks has 400 kB. */
const maxList = bytes(1024 * 1024)

/** The manifest as it fits into an event: itself, or that of a blob which holds it. */
export async function shortened(
  full: Manifest,
  options: UploadOptions,
  tools: UploadTools,
): Promise<Manifest> {
  if (full.chunks.length <= inlineChunks) return full
  const path = join(tools.folder, 'outgoing', `${process.pid}-${randomUUID()}.json`)
  try {
    await writeFile(path, JSON.stringify(full), { mode: 0o600 })
    const purpose = `${options.purpose ?? ''} manifest`
    return await uploadFile(path, { ...options, type: listType, purpose }, tools)
  } finally {
    await rm(path, { force: true })
  }
}

/**
 * The real manifest behind one that may be shortened.
 * @throws UserError as a download does
 */
export async function lengthened(
  short: Manifest,
  options: Omit<DownloadOptions, 'maxBytes'>,
  tools: DownloadTools,
): Promise<Manifest> {
  if (short.type !== listType) return short
  const path = join(tools.folder, 'incoming', `${randomUUID()}.json`)
  try {
    await mkdir(join(tools.folder, 'incoming'), { recursive: true })
    await downloadFile(short, path, { ...options, maxBytes: maxList }, tools)
    const full = manifest.safeParse(jsonOf(await readFile(path, 'utf8')))
    if (!full.success || full.data.type === listType)
      throw badManifest('The blob that should hold a manifest does not.')
    return full.data
  } finally {
    await rm(path, { force: true })
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
