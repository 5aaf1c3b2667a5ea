import { closeSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { UserError } from '../../shared/errors.ts'
import { findIdx, type IdxFolder, mnistFolder } from './idx/folder.ts'
import { imageFolder } from './images/folder.ts'
import type { ImageSource } from './images/source.ts'
import { imageArchive } from './images/zip.ts'
import { spreadsheet } from './spreadsheet.ts'
import { plainText, textFolder, textLines } from './text/find.ts'
import type { TextSource } from './text/source.ts'
import { checkThere } from './there.ts'
import type { ReadAs } from './types.ts'

const ZIP = '504b0304'
const OLD_OFFICE = 'd0cf11e0'
const OFFICE_FILE = /\.(xls[xmb]|ods|docx|odt)$/i

/** What a path holds, as far as its first bytes tell. */
export type Found =
  | { kind: 'idx'; folder: IdxFolder }
  | { kind: 'table'; path: string; format: 'text' | 'parquet' | 'jsonl' }
  | { kind: 'text'; source: TextSource }
  | { kind: 'images'; source: ImageSource }

/**
 * @param path  a file, a folder of IDX files, texts or images, a zip of images, or the word `mnist`
 * @param as  when the content shall not decide between table and text
 * @throws UserError `dataset/not-found`, `dataset/not-a-dataset`, `dataset/empty`, …
 */
export async function findDataset(path: string, as?: ReadAs): Promise<Found> {
  if (path === 'mnist') return { kind: 'idx', folder: findIdx(mnistFolder())! } // the package carries all four files
  const stat = checkThere(path)
  if (stat.isDirectory()) return folderAt(path)
  if (!stat.isFile()) notADataset(path)
  const head = firstBytes(path, 4096)
  refuseOthers(head, path)
  if (head.subarray(0, 4).toString('hex') === ZIP) return { kind: 'images', source: await imageArchive(path) }
  const format = formatOf(path, head)
  const source = as === 'table' ? undefined : await textAt(path, format, as === 'text')
  return source ? { kind: 'text', source } : { kind: 'table', path, format }
}

function folderAt(path: string): Found {
  const folder = findIdx(path)
  if (folder) return { kind: 'idx', folder }
  const images = imageFolder(path)
  const texts = textFolder(path)
  // One folder of pictures beside texts illustrates them.
  if (images && (!texts || new Set(images.files.map(({ label }) => label)).size > 1))
    return { kind: 'images', source: images }
  return texts ? { kind: 'text', source: texts } : notADataset(path)
}

async function textAt(
  path: string,
  format: 'text' | 'parquet' | 'jsonl',
  said: boolean,
): Promise<TextSource | undefined> {
  if (format === 'parquet') return undefined
  return format === 'jsonl' ? textLines(path, said) : plainText(path, said)
}

function notADataset(path: string): never {
  const tables = statSync(path).isDirectory()
    ? readdirSync(path).filter(f => /\.(csv|tsv|parquet|jsonl)$/i.test(f))
    : []
  throw new UserError('dataset/not-a-dataset', {
    message:
      'This folder holds neither IDX files (train-images-idx3-ubyte, …), nor images in class folders (PNG, JPEG, WebP), nor texts (.txt, .md).',
    fix: tables.length
      ? `Give one of its tables instead, e.g. ${tables.slice(0, 3).join(', ')}.`
      : 'Give a CSV, TSV, Parquet or JSONL file, a text, a folder of IDX files, texts or images, a zip of images, or the word mnist.',
    where: path,
  })
}

function formatOf(path: string, head: Buffer): 'text' | 'parquet' | 'jsonl' {
  if (head.subarray(0, 4).toString('latin1') === 'PAR1') return 'parquet'
  if (/\.(jsonl|ndjson|json)$/i.test(path)) return 'jsonl'
  return /^\s*\{"/.test(head.toString('latin1')) ? 'jsonl' : 'text'
}

function refuseOthers(head: Buffer, path: string): void {
  const magic = head.subarray(0, 4).toString('hex')
  if (magic === OLD_OFFICE || (magic === ZIP && OFFICE_FILE.test(path))) throw spreadsheet(path)
  if (/^\s*<(!doctype|html|\?xml)/i.test(head.toString('latin1'))) {
    throw new UserError('dataset/web-page', {
      message: 'This is a web page or XML, not a table.',
      fix: 'Download the table itself: the page usually has a "raw" or "download" button.',
      where: path,
    })
  }
  if (magic.startsWith('1f8b')) {
    throw new UserError('dataset/compressed', {
      message: 'This file is compressed with gzip.',
      fix: 'Unpack it first (gunzip), then give the unpacked file.',
      where: path,
    })
  }
}

function firstBytes(path: string, count: number): Buffer {
  const file = openSync(path, 'r')
  try {
    const buffer = Buffer.alloc(count)
    return buffer.subarray(0, readSync(file, buffer, 0, count, 0))
  } finally {
    closeSync(file)
  }
}
