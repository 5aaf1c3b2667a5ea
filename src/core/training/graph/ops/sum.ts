import type { Graph } from '../graph.ts'
import { defineOp, type Op } from '../op.ts'
import { axisOf, type Dim, fixed, type Shape, sameShape, type Value } from '../value.ts'
import { reshape } from './layout.ts'

export interface Reduction {
  /** Which axes disappear; all when left out. */
  axes?: readonly number[]
  /** Whether they stay as axes of size 1. */
  keep?: boolean
}

export const axesOf = ({ axes }: Reduction, x: Value): number[] =>
  axes ? axes.map(a => axisOf(a, x.shape.length)) : x.shape.map((_, i) => i)

/** The result's shape with the reduced axes kept as 1. */
export function keptShape(x: Value, reduction: Reduction): Dim[] {
  const axes = axesOf(reduction, x)
  return x.shape.map((d, i) => (axes.includes(i) ? 1 : d))
}

/** The shape rule and the ONNX form that all reductions share. */
export const reduction = {
  shape: ([x]: [Value], attrs: Reduction): Shape => {
    const axes = axesOf(attrs, x)
    return attrs.keep ? keptShape(x, attrs) : x.shape.filter((_, i) => !axes.includes(i))
  },
  constants: (graph: Graph, attrs: Reduction, [x]: [Value]) => {
    const axes = axesOf(attrs, x)
    return [graph.constant('i64', [axes.length], axes, 'axes')]
  },
  attributes: ({ keep = false }: Reduction) => ({ keepdims: keep ? 1 : 0 }),
}

/** Sum over the given axes. */
export const reduceSum: Op<1, Reduction> = defineOp<1, Reduction>({
  onnx: 'ReduceSum',
  ...reduction,
  grad: (dy, [x], { attrs }) => [expand(reshape(dy, keptShape(x, attrs)), x.shape)],
})

const expandOp: Op<1, { to: Shape }> = defineOp<1, { to: Shape }>({
  onnx: 'Expand',
  shape: (_, { to }) => to,
  constants: (graph, { to }) => [graph.constant('i64', [to.length], fixed(to), 'shape')],
  grad: (dy, [x]) => [sumTo(x.shape, dy)],
})

/** Repeats along axes of size 1 until the shape is `to`. */
export const expand = (x: Value, to: Shape): Value => (sameShape(x.shape, to) ? x : expandOp(x, { to }))

/** Undoes broadcasting: sums `x` down to `shape`. */
export function sumTo(shape: Shape, x: Value): Value {
  const extra = x.shape.length - shape.length
  const axes = x.shape.flatMap((d, i) => (i < extra || (shape[i - extra] === 1 && d !== 1) ? [i] : []))
  return axes.length === 0 ? x : reshape(reduceSum(x, { axes }), fixed(shape))
}
