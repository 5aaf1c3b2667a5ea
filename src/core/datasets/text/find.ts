import { type Dirent, readdirSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../../shared/errors.ts'
import { dialectOf } from '../csv/dialect.ts'
import { encodingOf, utf8Of } from '../csv/text.ts'
import type { TextLayout } from '../types.ts'
import { layoutOf } from './records.ts'
import type { TextSource } from './source.ts'

const TEXT_FILE = /\.(txt|text|md|markdown|rst|tex)$/i
const TABLE_FILE = /\.(csv|tsv|tab|psv)$/i
const HEAD = 1024 * 1024
/** Rows of a table have as many cells as the others; so many of a text's lines do only by chance. */
const REGULAR = 0.9

const WHY: Record<TextLayout, string> = {
  plain: 'Each line is an object with a "text": a document.',
  completions: 'Each line has a "prompt" and a "completion": only completions are learned.',
  chat: 'Each line has "messages": only the assistant’s turns are learned.',
}

/** JSON lines that hold texts, by their first record; undefined when they are a table. */
export async function textLines(path: string, saidText: boolean): Promise<TextSource | undefined> {
  const layout = layoutOf(await firstRecord(path), saidText)
  if (layout) return { path, layout, layoutWhy: WHY[layout], files: [fileAt(path, true)] }
  if (!saidText) return undefined
  throw new UserError('dataset/jsonl-text', {
    message: 'The first line has neither a "text", nor "prompt" and "completion", nor "messages".',
    fix: 'Rename its fields, or give the texts as a plain file.',
    where: path,
  })
}

/** A first line that is longer than what is looked at, or no JSON, says nothing here: reading it all will. */
async function firstRecord(path: string): Promise<unknown> {
  const file = await open(path, 'r')
  const buffer = Buffer.alloc(HEAD)
  const { bytesRead } = await file.read(buffer, 0, HEAD, 0).finally(() => file.close())
  const { encoding } = await encodingOf(path)
  const text = new TextDecoder(encoding).decode(buffer.subarray(0, bytesRead)).trimStart()
  const line = text.split('\n', 1)[0] ?? ''
  try {
    return JSON.parse(line)
  } catch {
    const field = /^\{\s*"(text|messages|prompt)"\s*:/.exec(line)?.[1]
    return field === 'messages'
      ? { messages: [] }
      : field === 'prompt'
        ? { prompt: '', completion: '' }
        : field && { text: '' }
  }
}

/** A file of prose: one that says so, or one that does not look like a table. */
export async function plainText(path: string, saidText: boolean): Promise<TextSource | undefined> {
  if (!saidText && (TABLE_FILE.test(path) || (await looksLikeTable(path)))) return undefined
  const layoutWhy = saidText
    ? 'It was asked to be read as a text.'
    : 'Its lines are not divided into the same number of cells: it is a text, not a table.'
  return { path, layout: 'plain', layoutWhy, files: [fileAt(path, false)] }
}

async function looksLikeTable(path: string): Promise<boolean> {
  const { encoding } = await encodingOf(path)
  const pieces = utf8Of(path, encoding)
  const { value } = await pieces.next()
  // What is not UTF-8 further down the file does not matter here.
  const head = Buffer.from(new TextDecoder().decode(value))
  await pieces.return(undefined)
  if (head.length === 0) return true // nothing but a mark: what reads tables says so
  try {
    const { names, head: rows } = dialectOf(head, head.length < HEAD, path)
    const regular = rows.filter(row => row.length === names.length).length
    return names.length > 1 && regular >= REGULAR * Math.max(1, rows.length)
  } catch (error) {
    if (error instanceof UserError) return false // e.g. a quotation mark that nothing closes
    throw error
  }
}

/** The text files in a folder and the folders in it, in the order of their names; undefined when there are none. */
export function textFolder(path: string): TextSource | undefined {
  const files = readdirSync(path, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile() && TEXT_FILE.test(entry.name) && !isHidden(entry, path))
    .map(entry => join(entry.parentPath, entry.name))
    .sort()
  if (files.length === 0) return undefined
  return {
    path,
    layout: 'plain',
    layoutWhy: 'It is a folder of text files: each is a document.',
    files: files.map(file => fileAt(file, false)),
  }
}

const isHidden = ({ parentPath, name }: Dirent, root: string): boolean =>
  /(^|[/\\])\./.test(join(parentPath.slice(root.length), name))

const fileAt = (path: string, lines: boolean) => ({ path, lines, bytes: statSync(path).size })
