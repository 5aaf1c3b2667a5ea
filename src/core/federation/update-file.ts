import {
  fromHalf,
  type Header,
  openSafetensors,
  parameters,
  type SafetensorsFile,
  type TrainingSpec,
} from '../training/index.ts'

/** Elements that are in memory at once, per open file: 4 MiB of float32. */
const BLOCK = 2 ** 20

/** Rows along a tensor's first axis that are read together. */
export interface Block {
  name: string
  row: number
  rows: number
}

/** Cuts every parameter into blocks, in the order of the model's parameters and of the file. */
export function* blocksOf(name: string, shape: readonly number[]): Generator<Block> {
  const [rows = 1, ...rest] = shape
  const width = rest.reduce((product, d) => product * d, 1)
  const step = Math.max(1, Math.floor(BLOCK / width))
  for (let row = 0; row < rows; row += step) yield { name, row, rows: Math.min(step, rows - row) }
}

/**
 * Reads blocks one after another into the same memory, so that forty updates take no more of it than one, however long
 * the collector waits: what `read` gave is valid until the next call.
 */
export class BlockReader {
  #room = new ArrayBuffer(0)
  #floats = new Float32Array(0)

  /** The values of a block as float32, whether the file holds F32 or F16. */
  async read(file: SafetensorsFile, { name, row, rows }: Block): Promise<Float32Array> {
    const { data } = await file.read(name, row, rows, bytes => this.#atLeast(bytes))
    if (data instanceof Float32Array) return data
    if (!(data instanceof Uint16Array))
      throw new TypeError(`tensor "${name}" is neither F32 nor F16: ${file.path}`)
    if (this.#floats.length < data.length) this.#floats = new Float32Array(data.length)
    return fromHalf(data, this.#floats.subarray(0, data.length))
  }

  #atLeast(bytes: number): ArrayBuffer {
    if (this.#room.byteLength < bytes) this.#room = new ArrayBuffer(bytes)
    return this.#room
  }
}

/** Why these tensors are not the spec's parameters (by name, shape and type), in plain words; null when they are. */
export function mismatch(spec: TrainingSpec, header: Pick<Header, 'tensors'>): string | null {
  const expected = new Map(parameters(spec).map(p => [p.name, p.shape]))
  for (const [name, { shape, dtype }] of header.tensors) {
    const wanted = expected.get(name)
    if (!wanted) return `it holds a tensor "${name}" that the model does not have`
    if (wanted.length !== shape.length || wanted.some((d, i) => d !== shape[i]))
      return `tensor "${name}" has shape [${shape.join(', ')}] where the model has [${wanted.join(', ')}]`
    if (dtype !== 'F32' && dtype !== 'F16') return `tensor "${name}" is ${dtype}, not F32 or F16`
  }
  for (const name of expected.keys()) if (!header.tensors.has(name)) return `tensor "${name}" is missing`
  return null
}

/** Opens several files for the time of `work`, and closes them whatever happens. */
export async function withFiles<T>(
  paths: readonly string[],
  work: (files: SafetensorsFile[]) => Promise<T>,
): Promise<T> {
  const files: SafetensorsFile[] = []
  try {
    for (const path of paths) files.push(await openSafetensors(path))
    return await work(files)
  } finally {
    await Promise.all(files.map(file => file.close()))
  }
}
