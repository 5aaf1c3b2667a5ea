import { type FileHandle, open } from 'node:fs/promises'
import { UserError } from '../../../shared/errors.ts'
import { ARRAYS, itemSize, type Tensor, type Tensors } from '../tensor.ts'
import { type Header, MAX_HEADER, parseHeader, refuse, type TensorInfo } from './header.ts'

/** One read call at most: larger ones fail on some platforms. */
const READ = 256 * 1024 * 1024

type Room = (bytes: number) => ArrayBuffer

/** An open safetensors file. Nothing but its header is in memory until a tensor is asked for. */
export interface SafetensorsFile extends Header {
  readonly path: string
  /**
   * Reads one tensor, or `count` of its rows (along the first axis) from `row` on.
   * @param room  gives the memory to read into, at least as many bytes; without it, the tensor has memory of its own
   * @throws UserError `training/safetensors` when the file has no such tensor
   */
  read(name: string, row?: number, count?: number, room?: Room): Promise<Tensor>
  close(): Promise<void>
}

/** Reads and checks the header only. @throws UserError `training/safetensors`, `training/file` */
export async function readHeader(path: string): Promise<Header> {
  const file = await openFile(path)
  try {
    return await headerOf(file, path)
  } finally {
    await file.close()
  }
}

/** @throws UserError `training/safetensors` when the header is not sound; the caller closes the file otherwise */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const file = await openFile(path)
  try {
    const header = await headerOf(file, path)
    return {
      ...header,
      path,
      read: (name, row, count, room) =>
        readTensor({ file, path, info: header.tensors.get(name), name }, row, count, room),
      close: () => file.close(),
    }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Every tensor of a file in memory. @throws UserError `training/safetensors` */
export async function readSafetensors(path: string): Promise<Tensors> {
  const file = await openSafetensors(path)
  try {
    const tensors: Tensors = new Map()
    for (const name of file.tensors.keys()) tensors.set(name, await file.read(name))
    return tensors
  } finally {
    await file.close()
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r')
  } catch (cause) {
    throw new UserError('training/file', {
      message: `The file could not be opened: ${cause instanceof Error ? cause.message : cause}.`,
      fix: 'Check the path and that you may read it.',
      where: path,
      cause,
    })
  }
}

async function headerOf(file: FileHandle, path: string): Promise<Header> {
  const { size } = await file.stat()
  const prefix = Buffer.alloc(8)
  await fill(file, prefix, 0, path)
  const length = prefix.readBigUInt64LE()
  if (length > BigInt(MAX_HEADER)) refuse(path, `its header claims ${length} bytes (at most ${MAX_HEADER})`)
  const json = Buffer.alloc(Number(length))
  await fill(file, json, 8, path)
  const header = parseHeader(json.toString('utf8'), 8 + json.length, path)
  if (header.size !== size) refuse(path, `it has ${size} bytes where its header describes ${header.size}`)
  return header
}

async function readTensor(
  { file, path, info, name }: { file: FileHandle; path: string; info: TensorInfo | undefined; name: string },
  row = 0,
  count?: number,
  room: Room = bytes => new ArrayBuffer(bytes),
): Promise<Tensor> {
  if (!info) refuse(path, `it holds no tensor "${name}"`)
  const [rows = 1, ...rest] = info.shape
  const taken = count ?? rows - row
  if (row < 0 || taken < 0 || row + taken > rows) throw new RangeError(`rows ${row}+${taken} of ${rows}`)
  const width = (info.end - info.begin) / Math.max(1, rows)
  const bytes = new Uint8Array(room(taken * width), 0, taken * width)
  await fill(file, bytes, info.begin + row * width, path)
  const shape = info.shape.length === 0 ? [] : [taken, ...rest]
  const data = new ARRAYS[info.dtype](bytes.buffer, 0, bytes.byteLength / itemSize(info.dtype))
  return { dtype: info.dtype, shape, data }
}

async function fill(file: FileHandle, buffer: Uint8Array, position: number, path: string): Promise<void> {
  let at = 0
  while (at < buffer.length) {
    const { bytesRead } = await file.read(buffer, at, Math.min(READ, buffer.length - at), position + at)
    if (bytesRead === 0) refuse(path, 'it ends too early')
    at += bytesRead
  }
}
