import type { FileHandle } from 'node:fs/promises'

const LOOKED_AT = 64 * 1024

/**
 * Where a file of UTF-8 can be cut: after line ends, about every `part` bytes.
 * @returns ascending; first where the text begins (behind a byte order mark), last the file's size
 */
export async function edgesOf(file: FileHandle, newline: 'lf' | 'cr', part: number): Promise<number[]> {
  const { size } = await file.stat()
  const buffer = Buffer.allocUnsafe(LOOKED_AT)
  const begin = await markOf(file)
  const edges = [begin]
  for (let at = begin + part; at < size; at = edges.at(-1)! + part) {
    const edge = await afterNewline(file, at, newline === 'lf' ? 0x0a : 0x0d, buffer)
    if (edge === undefined || edge >= size) break
    edges.push(edge)
  }
  if (size > begin) edges.push(size)
  return edges
}

async function markOf(file: FileHandle): Promise<number> {
  const head = Buffer.alloc(3)
  await file.read(head, 0, 3, 0)
  return head.toString('hex') === 'efbbbf' ? 3 : 0
}

async function afterNewline(
  file: FileHandle,
  from: number,
  newline: number,
  buffer: Buffer,
): Promise<number | undefined> {
  for (let at = from; ; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) return undefined
    const found = buffer.subarray(0, bytesRead).indexOf(newline)
    if (found >= 0) return at + found + 1
    at += bytesRead
  }
}
