import { NONE } from '../split.ts'

/** Labels are mostly small whole numbers: looked up in an array. */
const SMALL = 256

/** How a column's values become class numbers: by the dictionary's code, or by the number itself. */
export type Classes =
  | { kind: 'codes'; classOf: Int32Array }
  /** Ascending: the place of a value is its class. */
  | { kind: 'numbers'; values: Float64Array }

/** Class number of each row of a column, NONE without one. */
export function classesOf(classes: Classes, column: Float64Array | Int32Array, rows: number): Int32Array {
  const look = lookUp(classes)
  const result = new Int32Array(rows)
  for (let i = 0; i < rows; i++) result[i] = look(column[i]!)
  return result
}

function lookUp(classes: Classes): (value: number) => number {
  if (classes.kind === 'codes') return code => classes.classOf[code] ?? NONE
  const classOf = new Map(Array.from(classes.values, (value, index) => [value, index]))
  const small = Int32Array.from({ length: SMALL }, (_, value) => classOf.get(value) ?? NONE)
  return value => small[value] ?? classOf.get(value) ?? NONE
}
