import { UserError } from '../../shared/errors.ts'
import { openSafetensors } from './safetensors/index.ts'
import type { TrainingSpec } from './spec.ts'
import { sameShape, type Tensor } from './tensor.ts'

/** A dataset in memory: `x` `[n, inputs]` (u8 or f32), `y` `[n]` (i32 classes) or `[n, outputs]` (f32). */
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
 * Reads a prepared dataset and checks it against the spec: types, shapes, class numbers, finite values.
 * @throws UserError `training/data`, `training/safetensors`
 */
export async function readData(spec: TrainingSpec, path: string): Promise<Data> {
  const file = await openSafetensors(path)
  try {
    const rows = file.tensors.get('x')?.shape[0] ?? 0
    const { inputs, outputs } = spec.model
    const classes = spec.task === 'classification'
    const expected = {
      x: { dtype: spec.input.dtype === 'u8' ? 'U8' : 'F32', shape: [rows, inputs] },
      y: classes ? { dtype: 'I32', shape: [rows] } : { dtype: 'F32', shape: [rows, outputs] },
    }
    for (const [name, { dtype, shape }] of Object.entries(expected)) {
      const found = file.tensors.get(name)
      if (!found) refuse(path, `it holds no tensor "${name}"`)
      if (found.dtype !== dtype || !sameShape(found.shape, shape))
        refuse(path, `"${name}" is ${found.dtype} [${found.shape}], expected ${dtype} [${shape}]`)
    }
    if (rows === 0) refuse(path, 'it has no rows')
    const data = { rows, x: await file.read('x'), y: await file.read('y') }
    checkValues(data.x, 'x', path)
    if (classes) checkClasses(data.y, outputs, path)
    else checkValues(data.y, 'y', path)
    return data
  } finally {
    await file.close()
  }
}

function checkValues({ data, shape }: Tensor, name: string, path: string): void {
  if (!(data instanceof Float32Array)) return
  const at = data.findIndex(value => !Number.isFinite(value))
  if (at >= 0) refuse(path, `row ${Math.floor(at / (shape[1] ?? 1))} of "${name}" holds ${data[at]}`)
}

function checkClasses({ data }: Tensor, classes: number, path: string): void {
  if (!(data instanceof Int32Array)) return
  const at = data.findIndex(label => label < 0 || label >= classes)
  if (at >= 0) refuse(path, `row ${at} has class ${data[at]}, the model knows 0 to ${classes - 1}`)
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
