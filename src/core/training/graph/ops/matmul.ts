import { type Binary, defineOp, type Op, type Ternary } from '../op.ts'
import {
  broadcast,
  count,
  type Dim,
  fixed,
  type Operand,
  type Shape,
  ShapeError,
  show,
  Value,
} from '../value.ts'
import { unscaled } from './arithmetic.ts'
import { reshape, transpose } from './layout.ts'
import { reduceSum, sumTo } from './sum.ts'

const batch = (x: Value): Shape => x.shape.slice(0, -2)
const rows = (x: Value): Dim => x.shape.at(-2) ?? 1
const cols = (x: Value): Dim => x.shape.at(-1) ?? 1

function check(a: Value, b: Value, inner: Dim): void {
  if (a.shape.length < 2 || b.shape.length < 2 || cols(a) !== inner)
    throw new ShapeError(`a product of ${show(a.shape)} and ${show(b.shape)}`)
}

interface Scale {
  /** A factor of the result, which costs nothing inside a product and a pass over memory outside. */
  alpha: number
}

const scaledMatmul: Op<2, Scale> = defineOp<2, Scale>({
  onnx: 'FusedMatMul',
  domain: 'com.microsoft',
  ...product(),
  attributes: ({ alpha }) => ({ alpha: { float: alpha } }),
  grad: (dy, [a, b], { attrs: { alpha } }) => slopesOf(dy, a, b, alpha),
})

const plainMatmul: Binary = defineOp<2>({
  onnx: 'MatMul',
  ...product(),
  grad: (dy, [a, b]) => slopesOf(dy, a, b, 1),
})

function product() {
  return {
    shape: ([a, b]: [Value, Value]) => {
      check(a, b, rows(b))
      return [...broadcast(batch(a), batch(b)), rows(a), cols(b)]
    },
    flops: ([a, b]: [Value, Value]) =>
      2 * count([...broadcast(batch(a), batch(b)), rows(a), cols(a), cols(b)]),
  }
}

const slopesOf = (dy: Value, a: Value, b: Value, alpha: number): Value[] => [
  sumTo(a.shape, times(dy, transpose(b), alpha)),
  sumTo(b.shape, correlated(a, dy, alpha)),
]

/** Matrix product over the last two axes; leading axes broadcast. `[…, m, k] · […, k, n] → […, m, n]` */
export function matmul(a: Operand, b: Operand): Value {
  if (!(a instanceof Value) || !(b instanceof Value))
    throw new TypeError('a product of matrices has no number')
  if (!hasScale(a)) return plainMatmul(a, b)
  const [left, scale] = unscaled(a)
  const [right, other] = unscaled(b)
  return times(left, right, scale * other)
}

/** `alpha · a · b` */
const times = (a: Value, b: Value, alpha: number): Value =>
  alpha === 1 ? plainMatmul(a, b) : scaledMatmul(a, b, { alpha })

/** ONNX Runtime's product with a factor exists on the CPU and in single precision. */
const hasScale = ({ graph, dtype }: Value): boolean => !graph.general && dtype === 'f32'

/** `alpha · aᵀ · b`, the gradient of a weight: `[…, n, k]`, `[…, n, m]` → `[…, k, m]`. */
function correlated(a: Value, b: Value, alpha: number): Value {
  const long = a.shape.length === 2 && b.shape.length === 2 && Number(rows(a)) >= LONG
  if (!long || !hasScale(a)) return times(transpose(a), b, alpha)
  return Number(cols(a)) > Number(cols(b)) ? transpose(apart(b, a, alpha)) : apart(a, b, alpha)
}

/**
 * `alpha · aᵀ · b` with `aᵀ` made: ONNX Runtime reads a transposed left operand in place, at four fifths of a product's
 * usual rate. The extra axis hides the transposition, which it would take back.
 */
function apart(a: Value, b: Value, alpha: number): Value {
  const [k = 1, n = 1] = fixed([cols(a), rows(a)])
  return reshape(times(reshape(transpose(a), [1, k, n]), b, alpha), [k, cols(b)])
}

/** Rows from which on a transposition is worth its pass over memory. */
const LONG = 256

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
