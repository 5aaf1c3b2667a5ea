import { z } from 'zod'
import { UserError } from '../../../shared/errors.ts'
import { ARRAYS, elements, itemSize, type TensorType } from '../tensor.ts'

/** Ours are a few kilobytes; a header is read into memory before anything in it is checked. */
export const MAX_HEADER = 4 * 1024 * 1024
const MAX_TENSORS = 16_384

/** Where one tensor lies: `begin` and `end` are offsets in the file. */
export interface TensorInfo {
  name: string
  dtype: TensorType
  shape: readonly number[]
  begin: number
  end: number
}

export interface Header {
  tensors: ReadonlyMap<string, TensorInfo>
  metadata: ReadonlyMap<string, string>
  /** Bytes the whole file must have. */
  size: number
}

const entry = z.object({
  dtype: z.enum(Object.keys(ARRAYS) as [TensorType, ...TensorType[]]), // Object.keys forgets the literal names
  shape: z.array(z.int().min(0)).max(8),
  data_offsets: z.tuple([z.int().min(0), z.int().min(0)]),
})
const metadataEntry = z.record(z.string(), z.string())

export function refuse(path: string, what: string): never {
  throw new UserError('training/safetensors', {
    message: `This is not a sound safetensors file: ${what}.`,
    fix: 'Get the file again from where it came from. If it was received from a stranger, do not trust it.',
    where: path,
  })
}

/**
 * Parses the JSON header of a safetensors file. Tensors must lie one after another without gap or overlap and end
 * where the file ends, as the format demands; anything else is refused, since it may come from a stranger.
 * @param text  the header's JSON
 * @param start  offset of the first tensor byte in the file
 * @throws UserError `training/safetensors`
 */
export function parseHeader(text: string, start: number, path: string): Header {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    refuse(path, 'its header is not JSON')
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    refuse(path, 'its header is not an object')
  const { __metadata__: extra = {}, ...rest } = json as Record<string, unknown> // an object, checked above
  const metadata = metadataEntry.safeParse(extra)
  if (!metadata.success) refuse(path, 'its metadata holds something that is not text')
  const names = Object.keys(rest)
  if (names.length > MAX_TENSORS) refuse(path, `it lists ${names.length} tensors (at most ${MAX_TENSORS})`)
  const tensors = names.map(name => parseEntry(name, rest[name], start, path))
  tensors.sort((a, b) => a.begin - b.begin || a.end - b.end)
  let size = start
  for (const t of tensors) {
    if (t.begin !== size) refuse(path, `tensor "${t.name}" does not begin where the one before it ends`)
    size = t.end
  }
  return {
    tensors: new Map(tensors.map(t => [t.name, t])),
    metadata: new Map(Object.entries(metadata.data)),
    size,
  }
}

function parseEntry(name: string, value: unknown, start: number, path: string): TensorInfo {
  const parsed = entry.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    refuse(path, `tensor "${name}": ${issue?.path.join('.')}: ${issue?.message}`)
  }
  const { dtype, shape, data_offsets } = parsed.data
  const bytes = elements(shape) * itemSize(dtype)
  if (!Number.isSafeInteger(bytes)) refuse(path, `tensor "${name}" has an impossible size`)
  if (data_offsets[1] - data_offsets[0] !== bytes)
    refuse(path, `tensor "${name}" of shape [${shape.join(', ')}] does not fill its ${dtype} bytes`)
  return { name, dtype, shape, begin: start + data_offsets[0], end: start + data_offsets[1] }
}

/** What a header is made from: tensors in file order, without their offsets. */
export type TensorShape = Pick<TensorInfo, 'name' | 'dtype' | 'shape'>

/** The file's first bytes: the header's length (u64, little endian) and its JSON, padded so that tensors are aligned. */
export function encodeHeader(
  tensors: readonly TensorShape[],
  metadata: Readonly<Record<string, string>>,
): Buffer {
  let at = 0
  const entries = tensors.map(({ name, dtype, shape }): [string, unknown] => {
    const begin = at
    at += elements(shape) * itemSize(dtype)
    return [name, { dtype, shape, data_offsets: [begin, at] }]
  })
  const head: [string, unknown][] = Object.keys(metadata).length > 0 ? [['__metadata__', metadata]] : []
  const json = Buffer.from(JSON.stringify(Object.fromEntries([...head, ...entries])))
  const length = Math.ceil(json.length / 8) * 8
  const header = Buffer.alloc(8 + length, ' ')
  header.writeBigUInt64LE(BigInt(length), 0)
  json.copy(header, 8)
  return header
}
