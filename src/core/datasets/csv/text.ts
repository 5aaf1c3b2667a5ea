import { isUtf8 } from 'node:buffer'
import { type FileHandle, open } from 'node:fs/promises'
import { UserError } from '../../../shared/errors.ts'
import type { DialectReport } from '../types.ts'

export type TextEncoding = DialectReport['encoding']

const CHUNK = 1024 * 1024
const HEAD = 256 * 1024
/** Of bytes that text in windows-1252 or UTF-8 does not have. */
const TOO_MANY_CONTROLS = 0.005

/**
 * The encoding by byte order mark, else by zero bytes (UTF-16 has them beside every Latin letter), else strict UTF-8,
 * else windows-1252, which Western spreadsheets write.
 * @throws UserError `dataset/binary` when it is no text at all
 */
export async function encodingOf(path: string): Promise<{ encoding: TextEncoding; why: string }> {
  const file = await open(path, 'r')
  const buffer = Buffer.alloc(HEAD)
  const { bytesRead } = await file.read(buffer, 0, HEAD, 0).finally(() => file.close())
  const head = buffer.subarray(0, bytesRead)
  const marked = byMark(head)
  if (marked) return { encoding: marked, why: `The file begins with the byte order mark of ${marked}.` }
  const wide = byZeros(head)
  if (wide) return { encoding: wide, why: `Every other byte is zero, as in ${wide}.` }
  refuseBinary(head, path)
  const whole = bytesRead < HEAD ? head : head.subarray(0, lastCharacter(head))
  if (isUtf8(whole)) return { encoding: 'utf-8', why: 'All bytes are sound UTF-8.' }
  return {
    encoding: 'windows-1252',
    why: 'The bytes are not UTF-8; Western spreadsheets write windows-1252.',
  }
}

function byMark(head: Buffer): TextEncoding | undefined {
  if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) return 'utf-8'
  if (head[0] === 0xff && head[1] === 0xfe) return 'utf-16le'
  if (head[0] === 0xfe && head[1] === 0xff) return 'utf-16be'
  return undefined
}

function byZeros(head: Buffer): TextEncoding | undefined {
  const zeros = [0, 0]
  for (let i = 0; i < head.length; i++) if (head[i] === 0) zeros[i % 2]!++
  const half = head.length / 2
  const [even = 0, odd = 0] = zeros
  if (odd > 0.6 * half && even < 0.05 * half) return 'utf-16le'
  if (even > 0.6 * half && odd < 0.05 * half) return 'utf-16be'
  return undefined
}

function refuseBinary(head: Buffer, path: string): void {
  let controls = 0
  for (const byte of head) if (byte === 0 || (byte < 0x20 && !isBlank(byte)) || byte === 0x7f) controls++
  if (controls === 0 || (controls <= head.length * TOO_MANY_CONTROLS && !head.includes(0))) return
  throw new UserError('dataset/binary', {
    message: 'This is not a table: the file holds bytes that no text has.',
    fix: 'Give a CSV, TSV, Parquet or JSONL file. Spreadsheets can save their sheets as CSV.',
    where: path,
  })
}

const isBlank = (byte: number) => byte >= 0x09 && byte <= 0x0d

/** Where the last UTF-8 character, which may be cut, begins. */
function lastCharacter(head: Buffer): number {
  let at = head.length - 1
  while (at > 0 && at > head.length - 4 && (head[at]! & 0xc0) === 0x80) at--
  return at
}

/**
 * A file's text as UTF-8, without byte order mark. A piece is valid until the next one is asked for: while it is being
 * read, the next one is already on its way from the disk.
 */
export async function* utf8Of(path: string, encoding: TextEncoding): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r')
  try {
    if (encoding === 'utf-8') yield* withoutMark(chunksOf(file))
    else yield* transcoded(chunksOf(file), encoding)
  } finally {
    await file.close()
  }
}

async function* chunksOf(file: FileHandle): AsyncGenerator<Uint8Array> {
  const buffers = [Buffer.allocUnsafeSlow(CHUNK), Buffer.allocUnsafeSlow(CHUNK)]
  let reading = file.read(buffers[0]!, 0, CHUNK)
  try {
    for (let turn = 1; ; turn++) {
      const { bytesRead, buffer } = await reading
      if (bytesRead === 0) return
      reading = file.read(buffers[turn % 2]!, 0, CHUNK)
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await reading.catch(() => undefined)
  }
}

async function* withoutMark(chunks: AsyncGenerator<Uint8Array>): AsyncGenerator<Uint8Array> {
  let first = true
  for await (const chunk of chunks) {
    const marked = first && chunk[0] === 0xef && chunk[1] === 0xbb && chunk[2] === 0xbf
    first = false
    yield marked ? chunk.subarray(3) : chunk
  }
}

async function* transcoded(
  chunks: AsyncGenerator<Uint8Array>,
  encoding: TextEncoding,
): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder(encoding)
  for await (const chunk of chunks) yield Buffer.from(decoder.decode(chunk, { stream: true }))
  yield Buffer.from(decoder.decode())
}
