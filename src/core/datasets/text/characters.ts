import { open } from 'node:fs/promises'
import { encodingOf, type TextEncoding, utf8Of } from '../csv/text.ts'
import type { EncodedFile, TextFile } from './source.ts'

const CHUNK = 1024 * 1024

/**
 * The file's encoding. What begins as UTF-8 and later is not is windows-1252: the whole file is looked through.
 * @throws UserError `dataset/binary`
 */
export async function encodedFile(file: TextFile): Promise<EncodedFile> {
  const { encoding } = await encodingOf(file.path)
  const sound = encoding !== 'utf-8' || (await isUtf8(file.path))
  return { ...file, encoding: sound ? encoding : 'windows-1252' }
}

async function isUtf8(path: string): Promise<boolean> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.alloc(CHUNK)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK)
      decoder.decode(buffer.subarray(0, bytesRead), { stream: bytesRead > 0 })
      if (bytesRead === 0) return true
    }
  } catch (error) {
    if (error instanceof TypeError) return false // what a fatal decoder throws
    throw error
  } finally {
    await file.close()
  }
}

/** A file's text in pieces, without byte order mark, every line ending in `\n`. No piece ends inside a character. */
export async function* charactersOf({
  path,
  encoding,
}: {
  path: string
  encoding: TextEncoding
}): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  let held = ''
  for await (const bytes of utf8Of(path, encoding)) {
    const text = held + decoder.decode(bytes, { stream: true })
    // Whether a newline follows is not known yet.
    held = text.endsWith('\r') ? '\r' : ''
    yield withNewlines(text.slice(0, text.length - held.length))
  }
  yield withNewlines(held + decoder.decode())
}

const withNewlines = (text: string): string => (text.includes('\r') ? text.replace(/\r\n?/g, '\n') : text)
