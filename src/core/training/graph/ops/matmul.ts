import { type Binary, defineOp, type Ternary } from '../op.ts'
import { broadcast, count, type Dim, fixed, type Shape, ShapeError, show, type Value } from '../value.ts'
import { transpose } from './layout.ts'
import { reduceSum, sumTo } from './sum.ts'

const batch = (x: Value): Shape => x.shape.slice(0, -2)
const rows = (x: Value): Dim => x.shape.at(-2) ?? 1
const cols = (x: Value): Dim => x.shape.at(-1) ?? 1

function check(a: Value, b: Value, inner: Dim): void {
  if (a.shape.length < 2 || b.shape.length < 2 || cols(a) !== inner)
    throw new ShapeError(`a product of ${show(a.shape)} and ${show(b.shape)}`)
}

/** Matrix product over the last two axes; leading axes broadcast. `[…, m, k] · […, k, n] → […, m, n]` */
export const matmul: Binary = defineOp<2>({
  onnx: 'MatMul',
  shape: ([a, b]) => {
    check(a, b, rows(b))
    return [...broadcast(batch(a), batch(b)), rows(a), cols(b)]
  },
  flops: ([a, b]) => 2 * count([...broadcast(batch(a), batch(b)), rows(a), cols(a), cols(b)]),
  grad: (dy, [a, b]) => [sumTo(a.shape, matmul(dy, transpose(b))), sumTo(b.shape, matmul(transpose(a), dy))],
})

/** What dense layers with and without bias share: `x · wᵀ` as one Gemm. */
const transposed = {
  onnx: 'Gemm',
  attributes: () => ({ transB: 1 }),
  flops: ([x, w]: readonly [Value, Value, ...Value[]]) => 2 * fixed([rows(x)])[0]! * count(w.shape),
}

const slopes = (dy: Value, x: Value, w: Value): [Value, Value] => [matmul(dy, w), matmul(transpose(dy), x)]

/** A dense layer, `x · wᵀ + b`: `[n, k] · [m, k]ᵀ + [m] → [n, m]`, one product with the addition inside. */
export const dense: Ternary = defineOp<3>({
  ...transposed,
  shape: ([x, w, b]) => {
    check(x, w, cols(w))
    if (x.shape.length !== 2 || b.shape.length !== 1 || b.shape[0] !== rows(w))
      throw new ShapeError(`a dense layer of ${show(x.shape)}, ${show(w.shape)} and ${show(b.shape)}`)
    return [rows(x), rows(w)]
  },
  grad: (dy, [x, w]) => [...slopes(dy, x, w), reduceSum(dy, { axes: [0] })],
})

/** A dense layer without bias, `x · wᵀ`: `[n, k] · [m, k]ᵀ → [n, m]`. */
export const matmulTransposed: Binary = defineOp<2>({
  ...transposed,
  shape: ([x, w]) => {
    check(x, w, cols(w))
    if (x.shape.length !== 2 || w.shape.length !== 2)
      throw new ShapeError(`a dense layer of ${show(x.shape)} and ${show(w.shape)}`)
    return [rows(x), rows(w)]
  },
  grad: (dy, [x, w]) => slopes(dy, x, w),
})
