import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { type Bytes, bytes as inBytes } from '../../../shared/units.ts'
import { writeWhole } from '../../../shared/writing.ts'
import { writeAtomically } from '../atomic.ts'
import { elements, itemSize, type TensorData, type Tensors } from '../tensor.ts'
import { encodeHeader, type TensorShape } from './header.ts'

/**
 * A tensor to write. Its values are an array, or pieces made one after another while the file is written, so that
 * a file larger than memory can be made. The shape must be known beforehand: the header comes first.
 */
export interface TensorSource extends TensorShape {
  data: TensorData | Iterable<TensorData> | AsyncIterable<TensorData>
}

export interface WrittenFile {
  /** Hex, of the whole file. */
  sha256: string
  size: Bytes
}

/**
 * Writes a safetensors file, atomically, tensor by tensor. The same entries and metadata give the same bytes.
 * @param options  as for `writeAtomically`
 * @throws RangeError when a source gives more or fewer values than its shape says
 */
export async function writeSafetensors(
  path: string,
  entries: readonly TensorSource[] | Tensors,
  metadata: Readonly<Record<string, string>> = {},
  options: { durable?: boolean } = {},
): Promise<WrittenFile> {
  const sources =
    entries instanceof Map ? [...entries].map(([name, tensor]) => ({ name, ...tensor })) : [...entries]
  if (new Set(sources.map(s => s.name)).size < sources.length)
    throw new RangeError('a tensor name occurs twice')
  const hash = createHash('sha256')
  let size = 0
  const write = async (file: FileHandle): Promise<void> => {
    const append = async (chunk: Uint8Array) => {
      hash.update(chunk)
      size += chunk.length
      await writeWhole(file, chunk)
    }
    await append(encodeHeader(sources, metadata))
    for (const source of sources) await writeTensor(source, append)
  }
  await writeAtomically(path, write, options)
  return { sha256: hash.digest('hex'), size: inBytes(size) }
}

async function writeTensor(
  source: TensorSource,
  append: (chunk: Uint8Array) => Promise<void>,
): Promise<void> {
  const expected = elements(source.shape) * itemSize(source.dtype)
  const pieces = ArrayBuffer.isView(source.data) ? [source.data] : source.data
  let written = 0
  for await (const piece of pieces) {
    const chunk = new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength)
    written += chunk.length
    if (written > expected) break
    await append(chunk)
  }
  if (written !== expected)
    throw new RangeError(`tensor "${source.name}" should have ${expected} bytes, its source gave ${written}`)
}
