import { defineOp, type Op } from '../op.ts'
import { count, fixed, type Shape, ShapeError, sameShape, show, type Value } from '../value.ts'

const reshapeOp: Op<1, { to: Shape }> = defineOp<1, { to: Shape }>({
  onnx: 'Reshape',
  shape: ([x], { to }) => {
    if (count(x.shape) !== count(to)) throw new ShapeError(`${show(x.shape)} cannot become ${show(to)}`)
    return to
  },
  constants: (graph, { to }) => [graph.constant('i64', [to.length], fixed(to), 'shape')],
  grad: (dy, [x]) => [reshape(dy, x.shape)],
})

/** The same elements in another shape of the same size. */
export const reshape = (x: Value, to: Shape): Value => (sameShape(x.shape, to) ? x : reshapeOp(x, { to }))

const transposeOp: Op<1, { order: number[] }> = defineOp<1, { order: number[] }>({
  onnx: 'Transpose',
  shape: ([x], { order }) => {
    if (order.toSorted((a, b) => a - b).some((axis, i) => axis !== i) || order.length !== x.shape.length)
      throw new ShapeError(`${show(order)} is no order of the axes of ${show(x.shape)}`)
    return order.map(axis => x.shape[axis] ?? 1)
  },
  attributes: ({ order }) => ({ perm: order }),
  grad: (dy, _, { attrs: { order } }) => [
    transpose(
      dy,
      order.map((_, axis) => order.indexOf(axis)),
    ),
  ],
})

/** Reorders axes: axis `i` of the result is axis `order[i]` of `x`. Left out, the last two change places. */
export function transpose(x: Value, order?: number[]): Value {
  const axes = x.shape.map((_, i) => i)
  return transposeOp(x, { order: order ?? [...axes.slice(0, -2), ...axes.slice(-2).reverse()] })
}
