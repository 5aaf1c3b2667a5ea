import { defineOp, type Op } from '../op.ts'
import { count, type Shape, ShapeError, sameShape, show, type Value } from '../value.ts'

const reshapeOp: Op<1, { to: Shape }> = defineOp<1, { to: Shape }>({
  onnx: 'Reshape',
  shape: ([x], { to }) => {
    if (!sameSize(x.shape, to)) throw new ShapeError(`${show(x.shape)} cannot become ${show(to)}`)
    return to
  },
  // 0 stands for "as it was".
  constants: (graph, { to }) => [
    graph.constant(
      'i64',
      [to.length],
      to.map(d => (typeof d === 'number' ? d : 0)),
      'shape',
    ),
  ],
  grad: (dy, [x]) => [reshape(dy, x.shape)],
})

/** The same elements in another shape of the same size. A size that is only known by name stays on its axis. */
export const reshape = (x: Value, to: Shape): Value => (sameShape(x.shape, to) ? x : reshapeOp(x, { to }))

/** `[n, …]` → `[n, all the rest]` */
export const flatten = (x: Value): Value => reshape(x, [x.shape[0] ?? 1, count(x.shape.slice(1))])

function sameSize(from: Shape, to: Shape): boolean {
  const known = (shape: Shape) => shape.filter(d => typeof d === 'number')
  const named = (shape: Shape) =>
    shape.map((d, axis) => (typeof d === 'number' ? '' : `${axis} ${d}`)).filter(Boolean)
  return sameShape(named(from), named(to)) && count(known(from)) === count(known(to))
}

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
