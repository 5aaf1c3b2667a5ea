import { type Data, STORED } from './data.ts'
import { modelOf } from './models/index.ts'
import { seeded } from './random.ts'
import { rowOf, type TrainingSpec } from './spec.ts'
import { ARRAYS, elements, type Tensor } from './tensor.ts'

/** Rows of random numbers with random answers, of the types and shapes that `rowOf` says. */
export function randomData(spec: TrainingSpec, rows: number): Data {
  const random = seeded(1)
  const row = rowOf(spec)
  // Classes of a row, or tokens of a vocabulary.
  const classes = modelOf(spec).outputShape.at(-1) ?? 1
  const draw = { f32: () => random.float(), u8: () => random.below(256), i32: () => random.below(classes) }
  const tensor = ({ dtype, shape }: { dtype: keyof typeof draw; shape: number[] }): Tensor => {
    const data = new ARRAYS[STORED[dtype]](rows * elements(shape)).map(draw[dtype])
    return { dtype: STORED[dtype], shape: [rows, ...shape], data }
  }
  return { rows, x: tensor(row.x), y: tensor(row.y) }
}
