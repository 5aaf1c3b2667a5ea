import { defineOp } from '../op.ts'
import { exp, mul, sub } from './arithmetic.ts'
import { reduceSum } from './sum.ts'

interface Axis {
  /** Along which the results add up to 1; the last when left out. */
  axis?: number
}

/** `eˣ / Σ eˣ` */
export const softmax = defineOp<1, Axis>({
  onnx: 'Softmax',
  shape: ([x]) => x.shape,
  attributes: ({ axis = -1 }) => ({ axis }),
  grad: (dy, _, { y, attrs: { axis = -1 } }) => [
    mul(y, sub(dy, reduceSum(mul(dy, y), { axes: [axis], keep: true }))),
  ],
})

/** `x − log Σ eˣ` */
export const logSoftmax = defineOp<1, Axis>({
  onnx: 'LogSoftmax',
  shape: ([x]) => x.shape,
  attributes: ({ axis = -1 }) => ({ axis }),
  grad: (dy, _, { y, attrs: { axis = -1 } }) => [
    sub(dy, mul(exp(y), reduceSum(dy, { axes: [axis], keep: true }))),
  ],
})
