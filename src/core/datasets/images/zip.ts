import { type Entry, openPromise, type ZipFile } from 'yauzl'
import { UserError } from '../../../shared/errors.ts'
import { spreadsheet } from '../spreadsheet.ts'
import { type ImageFile, type ImageSource, isImage, labelsOf } from './source.ts'

/** What an archive may claim; more is an attack or a mistake. Nothing of it is ever unpacked to the disk. */
const MOST_ENTRIES = 2_000_000
export const MOST_FILE = 64 * 1024 * 1024
const MOST_TOTAL = 64 * 1024 * 1024 * 1024
/** Images are compressed already: archives make them hardly smaller. */
const MOST_RATIO = 100
const WORTH_CHECKING = 1024 * 1024

/**
 * Images in class folders of a zip archive.
 * @throws UserError `dataset/zip-damaged`, `dataset/zip-bomb`, `dataset/spreadsheet`, `dataset/not-a-dataset`
 */
export async function imageArchive(path: string): Promise<ImageSource> {
  const options = { lazyEntries: true, autoClose: false, strictFileNames: true }
  const zip = await openPromise(path, options).catch(cause => {
    throw damage(path, cause)
  })
  try {
    const entries = await entriesOf(zip, path)
    refuseBomb(entries, path)
    refuseWorkbook(entries, path)
    const images = entries.filter(({ fileName }) => isImage(fileName)).sort(byName)
    const labels = labelsOf(
      images.map(({ fileName }) => fileName),
      path,
    )
    if (!labels) return noImages(path)
    const files = images.map(
      (entry, i): ImageFile => ({
        name: entry.fileName,
        label: labels[i]!, // one for each
        read: () => contentOf(zip, entry),
      }),
    )
    return { path, files, close: () => zip.close() }
  } catch (error) {
    zip.close()
    throw error
  }
}

const byName = (a: Entry, b: Entry) => (a.fileName < b.fileName ? -1 : 1)

/** Names that lead out of the archive (`../`, `/`, `C:`) are refused by the reader. */
async function entriesOf(zip: ZipFile, path: string): Promise<Entry[]> {
  const entries: Entry[] = []
  try {
    for await (const entry of zip.eachEntry()) {
      if (entries.push(entry) > MOST_ENTRIES) break
    }
  } catch (cause) {
    throw damage(path, cause)
  }
  if (entries.length > MOST_ENTRIES) throw bomb(`it has more than ${MOST_ENTRIES} files`, path)
  return entries
}

function refuseBomb(entries: readonly Entry[], path: string): void {
  let total = 0
  for (const { fileName, compressedSize, uncompressedSize } of entries) {
    total += uncompressedSize
    const ratio = uncompressedSize / Math.max(1, compressedSize)
    if (uncompressedSize > WORTH_CHECKING && ratio > MOST_RATIO)
      throw bomb(`"${fileName.slice(0, 80)}" would become ${Math.round(ratio)} times as large`, path)
  }
  if (total > MOST_TOTAL) throw bomb(`unpacked it would have ${Math.round(total / 2 ** 30)} GB`, path)
}

function refuseWorkbook(entries: readonly Entry[], path: string): void {
  if (entries.some(({ fileName }) => fileName === '[Content_Types].xml')) throw spreadsheet(path)
}

/** @throws when the entry is larger than it claims, encrypted, or damaged */
async function contentOf(zip: ZipFile, entry: Entry): Promise<Buffer> {
  if (entry.uncompressedSize > MOST_FILE) throw new Error('it is larger than 64 MB')
  const stream = await zip.openReadStreamPromise(entry)
  const pieces: Buffer[] = []
  for await (const piece of stream) pieces.push(piece)
  return Buffer.concat(pieces)
}

const damage = (path: string, cause: unknown): UserError =>
  new UserError('dataset/zip-damaged', {
    message: `This zip archive cannot be read: ${cause instanceof Error ? cause.message : cause}.`,
    fix: 'Download or pack it again, or give the folder with the images.',
    where: path,
    cause,
  })

const bomb = (what: string, where: string): UserError =>
  new UserError('dataset/zip-bomb', {
    message: `This archive is not what it seems: ${what}.`,
    fix: 'Do not trust it. If it is yours, give the folder with the images instead.',
    where,
  })

function noImages(where: string): never {
  throw new UserError('dataset/not-a-dataset', {
    message: 'This archive holds no images (PNG, JPEG, WebP) in class folders.',
    fix: 'Put the images of each class into a folder with the class’s name. Tables and texts are given unpacked.',
    where,
  })
}
