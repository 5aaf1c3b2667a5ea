import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { UserError } from '../../shared/errors.ts'
import { fromHalf } from './half.ts'
import type { Architecture, Parameter } from './models/index.ts'
import { parameters } from './parameters.ts'
import { openSafetensors, type SafetensorsFile } from './safetensors/index.ts'
import { sameShape, type Tensor, type Tensors } from './tensor.ts'

const SINGLE = 'model.safetensors'
const INDEX = 'model.safetensors.index.json'
/** Which file of several holds each tensor. A name may not lead out of the folder. */
const index = z.object({ weight_map: z.record(z.string(), z.string().regex(/^[\w-][\w.-]*\.safetensors$/)) })

/** A model's weights in one file or several. Nothing but headers is in memory until a tensor is asked for. */
export interface Pretrained {
  /** As the file holds it. */
  stored(name: string): Promise<Tensor>
  /** In f32. */
  read(name: string): Promise<Tensor & { data: Float32Array }>
  close(): Promise<void>
}

/**
 * Opens published weights and checks that they are a model's: every parameter, in its shape, and nothing else. Names may
 * lack the first part (`transformer.`, `model.`), as in files of the model without its head; tables that other libraries
 * store beside the weights are left out.
 * @param path  a safetensors file, an index of several, or a folder of Hugging Face's layout
 * @throws UserError `training/weights`, `training/safetensors`, `training/file`
 */
export async function openCheckpoint(path: string, declared: readonly Parameter[]): Promise<Pretrained> {
  const files = await openFiles(path)
  const close = async () => {
    for (const file of files) await file.close()
  }
  try {
    const found = matched(files, declared, path)
    const stored = (name: string) => {
      const at = found.get(name)
      if (!at) throw new RangeError(`"${name}" was not declared`)
      return at.file.read(at.name)
    }
    return { stored, read: async name => widened(name, await stored(name), path), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Whether a file or folder holds the weights of a model, by names, types and shapes alone. @throws as `openCheckpoint` */
export async function checkPretrained(architecture: Architecture, path: string): Promise<void> {
  await (await openCheckpoint(path, parameters(architecture))).close()
}

/** All of them, in f32. See `openCheckpoint`. */
export async function readPretrained(architecture: Architecture, path: string): Promise<Tensors> {
  const declared = parameters(architecture)
  const checkpoint = await openCheckpoint(path, declared)
  try {
    const weights: Tensors = new Map()
    for (const { name } of declared) weights.set(name, await checkpoint.read(name))
    return weights
  } finally {
    await checkpoint.close()
  }
}

async function openFiles(path: string): Promise<SafetensorsFile[]> {
  const names = await fileNames(path)
  const files: SafetensorsFile[] = []
  try {
    for (const name of names) files.push(await openSafetensors(name))
    return files
  } catch (error) {
    for (const file of files) await file.close()
    throw error
  }
}

async function fileNames(path: string): Promise<string[]> {
  const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false
  if (isFolder) {
    const single = await stat(join(path, SINGLE)).catch(() => undefined)
    return single ? [join(path, SINGLE)] : fileNames(join(path, INDEX))
  }
  if (!path.endsWith('.json')) return [path]
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) refuse(dirname(path), `there is neither "${SINGLE}" nor "${INDEX}" in the folder`)
  const parsed = index.safeParse(jsonOf(text, path))
  if (!parsed.success) refuse(path, 'the index does not say which file holds which tensor')
  return [...new Set(Object.values(parsed.data.weight_map))].sort().map(name => join(dirname(path), name))
}

function jsonOf(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    refuse(path, 'the index is no JSON')
  }
}

interface Place {
  file: SafetensorsFile
  name: string
}

const FLOATS: readonly string[] = ['F32', 'F16', 'BF16']
/** Causal masks of old GPT-2 files, and the angles of old Llama files. */
const TABLES = /(^|\.)(attn\.(masked_)?bias|rotary_emb\.inv_freq)$/

function matched(files: SafetensorsFile[], declared: readonly Parameter[], path: string): Map<string, Place> {
  const shapes = new Map(declared.map(({ name, shape }) => [name, shape]))
  const found = new Map<string, Place>()
  for (const file of files)
    for (const { name, shape, dtype } of file.tensors.values()) {
      const own = [name, `transformer.${name}`, `model.${name}`].find(candidate => shapes.has(candidate))
      // A tied head is the embedding a second time.
      if (own === undefined && (TABLES.test(name) || name === 'lm_head.weight')) continue
      if (own === undefined) refuse(path, `the model has no "${name}"`)
      if (found.has(own)) refuse(path, `"${name}" is there twice`)
      const expected = shapes.get(own)! // found by its name
      if (!FLOATS.includes(dtype) || !sameShape(shape, expected))
        refuse(path, `"${name}" is ${dtype} [${shape}], the model has F32, F16 or BF16 [${expected}]`)
      found.set(own, { file, name })
    }
  const missing = declared.find(({ name }) => !found.has(name))
  if (missing) refuse(path, `"${missing.name}" is missing`)
  return found
}

function widened(
  name: string,
  { dtype, shape, data }: Tensor,
  path: string,
): Tensor & { data: Float32Array } {
  const values =
    dtype === 'F32' ? data : dtype === 'F16' ? fromHalf(data as Uint16Array) : fromBrain(data as Uint16Array)
  const wide = values as Float32Array // the three types that `matched` lets in
  if (!wide.every(Number.isFinite)) refuse(path, `"${name}" holds values that are not numbers`)
  return { dtype: 'F32', shape, data: wide }
}

/** bfloat16 is the upper half of a float32. */
function fromBrain(source: Uint16Array): Float32Array {
  const words = new Uint32Array(source.length)
  for (let i = 0; i < source.length; i++) words[i] = source[i]! << 16
  return new Float32Array(words.buffer)
}

function refuse(where: string, what: string): never {
  throw new UserError('training/weights', {
    message: `These weights do not belong to this model: ${what}.`,
    fix: 'Get the files again from where the model came from, with the config.json that belongs to them.',
    where,
  })
}
