import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { UserError } from '../../../shared/errors.ts'

/** The type byte of unsigned bytes, the only one MNIST and its relatives use. */
const UBYTE = 0x08
const MOST_ITEMS = 0x1000_0000
const MOST_ITEM_BYTES = 0x100_0000

export interface IdxFile {
  /** Items, then each item's own shape: [60000, 28, 28] for images, [60000] for labels. */
  shape: number[]
  /** Whole items, in pieces. May be read once. @throws UserError `dataset/idx` when the file ends early or goes on */
  items(): AsyncGenerator<Uint8Array>
  close(): void
}

/**
 * Opens a file of the IDX format (http://yann.lecun.com/exdb/mnist/: two zero bytes, type, number of dimensions, the
 * dimensions as big-endian u32, the values). Names that end in .gz are unpacked on the way.
 * @throws UserError `dataset/idx`
 */
export async function openIdx(path: string): Promise<IdxFile> {
  const raw = createReadStream(path, { highWaterMark: 1024 * 1024 })
  const stream = path.endsWith('.gz') ? raw.pipe(createGunzip({ chunkSize: 256 * 1024 })) : raw
  raw.on('error', error => stream.destroy(error))
  const reader = bytesOf(stream, path)
  const close = () => {
    raw.destroy()
    stream.destroy()
  }
  try {
    const shape = await readShape(reader, path)
    return { shape, items: () => itemsOf(reader, shape, path), close }
  } catch (error) {
    close()
    throw error
  }
}

async function readShape(reader: ByteReader, path: string): Promise<number[]> {
  const magic = await reader.take(4)
  const [zero, , type, dimensions = 0] = magic
  if (zero !== 0 || magic[1] !== 0) refuse(path, 'it does not begin as IDX files do')
  if (type !== UBYTE) refuse(path, `its values are of type ${type}, not unsigned bytes`)
  if (dimensions < 1 || dimensions > 3) refuse(path, `it has ${dimensions} dimensions`)
  const sizes = await reader.take(4 * dimensions)
  const view = new DataView(sizes.buffer, sizes.byteOffset)
  const shape = Array.from({ length: dimensions }, (_, i) => view.getUint32(4 * i))
  const [items = 0, ...item] = shape
  const size = item.reduce((a, b) => a * b, 1)
  if (items > MOST_ITEMS || size < 1 || size > MOST_ITEM_BYTES)
    refuse(path, `it claims ${items} items of ${item.join(' × ') || 1} bytes`)
  return shape
}

async function* itemsOf(reader: ByteReader, shape: number[], path: string): AsyncGenerator<Uint8Array> {
  const [items = 0, ...item] = shape
  const size = item.reduce((a, b) => a * b, 1)
  const block = Math.max(1, Math.floor((1024 * 1024) / size))
  for (let done = 0; done < items; done += block)
    yield await reader.take(Math.min(block, items - done) * size)
  if (!(await reader.ended())) refuse(path, `it goes on after its ${items} items`)
}

interface ByteReader {
  take(count: number): Promise<Uint8Array>
  ended(): Promise<boolean>
}

function bytesOf(stream: AsyncIterable<Buffer>, path: string): ByteReader {
  const source = stream[Symbol.asyncIterator]()
  let rest: Uint8Array = new Uint8Array(0)
  const more = async (): Promise<boolean> => {
    const next = await source.next().catch(cause => {
      throw refusal(path, 'it cannot be unpacked or read to its end', cause)
    })
    if (next.done) return false
    rest = next.value
    return true
  }
  return {
    async take(count) {
      const taken = new Uint8Array(count)
      let at = 0
      while (at < count) {
        if (rest.length === 0 && !(await more())) refuse(path, 'it ends too early')
        const part = rest.subarray(0, count - at)
        taken.set(part, at)
        at += part.length
        rest = rest.subarray(part.length)
      }
      return taken
    },
    async ended() {
      return rest.length === 0 && !(await more())
    },
  }
}

function refusal(path: string, what: string, cause?: unknown): UserError {
  return new UserError('dataset/idx', {
    message: `This is not a sound IDX file: ${what}.`,
    fix: 'Download it again, or unpack it again from where it came from.',
    where: path,
    cause,
  })
}

function refuse(path: string, what: string): never {
  throw refusal(path, what)
}
