import { defineOp } from '../op.ts'
import { axisOf, count, type Value } from '../value.ts'
import { zeros } from './fill.ts'
import { reshape, transpose } from './layout.ts'
import { addRows } from './scatter.ts'

/**
 * Picks slices of `x` along an axis (the first when left out) by an integer tensor of indices, e.g. rows of an
 * embedding: the axis is replaced by the axes of the indices. The gradient adds up slices picked several times.
 */
export const gather = defineOp<2, { axis?: number }>({
  onnx: 'Gather',
  shape: ([x, indices], { axis = 0 }) => x.shape.toSpliced(axisOf(axis, x.shape.length), 1, ...indices.shape),
  dtype: ([x]) => x.dtype,
  attributes: ({ axis = 0 }) => ({ axis }),
  grad: (dy, [x, indices], { attrs: { axis = 0 } }) => {
    const at = axisOf(axis, x.shape.length)
    return [scatterAdd(dy, indices, x, at), undefined]
  },
})

/**
 * Picks elements of each row of `x` by indices of its own: `[n, from]` and integers `[n, to]` → `[n, to]`. Many times faster on
 * the CPU than `gather` where what is picked is no longer than an element. For data: it has no gradient.
 */
export const gatherElements = defineOp<2>({
  onnx: 'GatherElements',
  shape: ([_, indices]) => indices.shape,
  dtype: ([x]) => x.dtype,
  attributes: () => ({ axis: 1 }),
})

/** Zeros like `x`, with the slices of `dy` added along `axis` where `indices` points. */
function scatterAdd(dy: Value, indices: Value, x: Value, axis: number): Value {
  const rank = indices.shape.length
  // Indices first: then every slice is one run of memory.
  const picked = dy.shape.map((_, i) => i).slice(axis, axis + rank)
  const order = [...picked, ...dy.shape.map((_, i) => i).filter(i => !picked.includes(i))]
  const front = [axis, ...x.shape.map((_, i) => i).filter(i => i !== axis)]
  const target = front.map(i => x.shape[i] ?? 1)
  const n = count(indices.shape)
  const slices = reshape(axis === 0 ? dy : transpose(dy, order), [n, ...target.slice(1)])
  const sum = addRows(zeros(dy.graph, dy.dtype, target), reshape(indices, [n]), slices)
  if (axis === 0) return sum
  return transpose(
    sum,
    front.map((_, i) => front.indexOf(i)),
  )
}
