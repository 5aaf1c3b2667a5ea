import { UserError } from '../../shared/errors.ts'
import { modelOf } from './models/index.ts'
import { openSafetensors, type SafetensorsFile } from './safetensors/index.ts'
import { blockOf, type LanguageSpec, rowOf, type TrainingSpec } from './spec.ts'
import { elements, type Tensor } from './tensor.ts'
import { readBlocks } from './text-data.ts'

/** A dataset in memory, with the types and shapes that `rowOf` gives for one row. */
export interface Data {
  rows: number
  x: Tensor
  y: Tensor
}

function refuse(path: string, what: string): never {
  throw new UserError('training/data', {
    message: `This dataset does not fit the job: ${what}.`,
    fix: 'Prepare the dataset again for this job, or get it again from where it came from.',
    where: path,
  })
}

/**
 * Reads a prepared dataset and checks it against the spec: types, shapes, class and token numbers, finite values.
 * Files hold `x` and `y`, those of text blocks of tokens; see `readBlocks`.
 * @throws UserError `training/data`, `training/safetensors`
 */
export async function readData(spec: TrainingSpec, path: string): Promise<Data> {
  const file = await openSafetensors(path)
  try {
    const data =
      spec.task === 'language' ? await readText(spec, file, path) : await readRows(spec, file, path)
    if (data.rows === 0) refuse(path, 'it has no rows')
    return data
  } finally {
    await file.close()
  }
}

async function readText(spec: LanguageSpec, file: SafetensorsFile, path: string): Promise<Data> {
  const { vocabulary } = spec.model
  const block = blockOf(spec)
  const blocks = await readBlocks(file, block)
  if (typeof blocks === 'string') refuse(path, blocks)
  checkRange(blocks.x.data, [0, vocabulary - 1], 'token', path, block)
  checkRange(blocks.y.data, [spec.masked ? -1 : 0, vocabulary - 1], 'token', path, block)
  return blocks
}

async function readRows(
  spec: Exclude<TrainingSpec, LanguageSpec>,
  file: SafetensorsFile,
  path: string,
): Promise<Data> {
  const rows = file.tensors.get('x')?.shape[0] ?? 0
  const row = rowOf(spec)
  const read = async (name: 'x' | 'y'): Promise<Tensor> => {
    const { dtype, shape } = row[name]
    const found = file.tensors.get(name)
    if (!found) refuse(path, `it holds no tensor "${name}"`)
    // A picture may come as a row of pixels: what counts is their number.
    const fits = elements(found.shape.slice(1)) === elements(shape) && found.shape[0] === rows
    if (found.dtype !== STORED[dtype] || !fits)
      refuse(
        path,
        `"${name}" is ${found.dtype} [${found.shape}], expected ${STORED[dtype]} [${[rows, ...shape]}]`,
      )
    return { ...(await file.read(name)), shape: [rows, ...shape] }
  }
  const data = { rows, x: await read('x'), y: await read('y') }
  checkValues(data.x, 'x', path)
  if (spec.task === 'regression') checkValues(data.y, 'y', path)
  else checkRange(data.y.data, [0, elements(modelOf(spec).outputShape) - 1], 'class', path, 1)
  return data
}

/** Safetensors' names of the types in which rows come. */
export const STORED = { f32: 'F32', u8: 'U8', i32: 'I32' } as const

function checkValues({ data, shape }: Tensor, name: string, path: string): void {
  if (!(data instanceof Float32Array)) return
  const at = data.findIndex(value => !Number.isFinite(value))
  if (at >= 0) refuse(path, `row ${Math.floor(at / elements(shape.slice(1)))} of "${name}" holds ${data[at]}`)
}

function checkRange(
  data: Tensor['data'],
  [least, most]: [number, number],
  what: 'class' | 'token',
  path: string,
  width: number,
): void {
  if (!(data instanceof Int32Array)) return
  const at = data.findIndex(label => label < least || label > most)
  if (at >= 0)
    refuse(path, `row ${Math.floor(at / width)} has ${what} ${data[at]}, the model knows ${least} to ${most}`)
}

/** Some rows of a tensor, copied. */
export function pickRows(tensor: Tensor, rows: ArrayLike<number>): Tensor {
  const [count = 0, ...rest] = tensor.shape
  const width = tensor.data.length / Math.max(1, count)
  const data = tensor.data.slice(0, rows.length * width)
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0
    if (!(row >= 0 && row < count)) throw new RangeError(`row ${row} of ${count}`)
    // `set` is typed per element type; both sides are of the same tensor.
    data.set(tensor.data.subarray(row * width, (row + 1) * width) as never, i * width)
  }
  return { dtype: tensor.dtype, shape: [rows.length, ...rest], data }
}

/** Rows `from` to `to − 1`, not copied. */
export function sliceRows(tensor: Tensor, from: number, to: number): Tensor {
  const [count = 0, ...rest] = tensor.shape
  const width = tensor.data.length / Math.max(1, count)
  return {
    dtype: tensor.dtype,
    shape: [to - from, ...rest],
    data: tensor.data.subarray(from * width, to * width),
  }
}
