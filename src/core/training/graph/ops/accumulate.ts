import type { Node } from '../graph.ts'
import { defineOp } from '../op.ts'
import { count, type Value } from '../value.ts'
import { add, mul, sub } from './arithmetic.ts'

/**
 * `beta · base + alpha · x`, what optimizers are made of. Where `x` is a product of two matrices, as the gradient of
 * a dense layer's weight is, product and sum become one Gemm that adds onto `base`: the gradient is never stored.
 */
export function accumulate(base: Value, beta: number, x: Value, alpha: number): Value {
  const product = x.producer
  if (product?.type === 'MatMul' && x.shape.length === 2) return gemmOnto(product, base, beta, alpha)
  const kept = beta === 1 ? base : mul(base, beta)
  if (alpha === 1) return add(kept, x)
  return alpha < 0 ? sub(kept, mul(x, -alpha)) : add(kept, mul(x, alpha))
}

interface Gemm {
  transA: boolean
  transB: boolean
  alpha: number
  beta: number
}

/** `alpha · a · b + beta · base`, with `a` and `b` transposed on the way in where it says so. */
const gemm = defineOp<3, Gemm>({
  onnx: 'Gemm',
  shape: ([_a, _b, base]) => base.shape,
  attributes: ({ transA, transB, alpha, beta }) => ({
    transA: Number(transA),
    transB: Number(transB),
    alpha: { float: alpha },
    beta: { float: beta },
  }),
  flops: ([a, b], { transB }) => 2 * count(a.shape) * Number(b.shape[transB ? 0 : 1]),
})

function gemmOnto(product: Node, base: Value, beta: number, alpha: number): Value {
  const [a, b] = product.inputs
  if (!a || !b) throw new TypeError('a product has two operands')
  const left = untransposed(a)
  const right = untransposed(b)
  return gemm(left, right, base, { transA: left !== a, transB: right !== b, alpha, beta })
}

/** What a matrix was before it was transposed, if it was. */
function untransposed(x: Value): Value {
  const [source] = x.producer?.type === 'Transpose' ? x.producer.inputs : []
  return source ?? x
}
