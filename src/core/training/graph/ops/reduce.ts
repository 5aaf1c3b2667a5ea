import { defineOp, type Op } from '../op.ts'
import { count } from '../value.ts'
import { div, mul } from './arithmetic.ts'
import { cast, equal } from './choose.ts'
import { reshape } from './layout.ts'
import { axesOf, expand, keptShape, type Reduction, reduceSum, reduction } from './sum.ts'

/** Mean over the given axes. */
export const reduceMean = defineOp<1, Reduction>({
  onnx: 'ReduceMean',
  ...reduction,
  grad: (dy, [x], { attrs }) => {
    const averaged = count(x.shape) / count(keptShape(x, attrs))
    return [expand(reshape(div(dy, averaged), keptShape(x, attrs)), x.shape)]
  },
})

/** Largest value along the given axes. Equal maxima share the gradient, as in PyTorch's `amax`. */
export const reduceMax = defineOp<1, Reduction>({
  onnx: 'ReduceMax',
  ...reduction,
  grad: (dy, [x], { y, attrs }) => {
    const kept = keptShape(x, attrs)
    const isMax = cast(equal(x, reshape(y, kept)), { to: x.dtype })
    const ties = reduceSum(isMax, { axes: axesOf(attrs, x), keep: true })
    return [mul(isMax, div(reshape(dy, kept), ties))]
  },
})

/** Sum of squares over the given axes, without the squares in between. */
export const reduceSumSquare: Op<1, Reduction> = defineOp<1, Reduction>({
  onnx: 'ReduceSumSquare',
  ...reduction,
  grad: (dy, [x], { attrs }) => [mul(mul(x, 2), reshape(dy, keptShape(x, attrs)))],
})
