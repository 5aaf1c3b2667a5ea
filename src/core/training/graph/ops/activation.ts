import { withGradient } from '../custom.ts'
import { defineOp, type Unary } from '../op.ts'
import type { Value } from '../value.ts'
import { add, exp, mul, sigmoid, sub, tanh } from './arithmetic.ts'

const erf: Unary = defineOp<1>({
  onnx: 'Erf',
  shape: ([x]) => x.shape,
  grad: (dy, [x]) => [mul(dy, mul(exp(mul(mul(x, x), -1)), 2 / Math.sqrt(Math.PI)))],
})

/**
 * `x · Φ(x)`, with Φ the normal distribution's (Hendrycks and Gimpel 2016, arXiv 1606.08415). PyTorch's `gelu`.
 * The gradient `Φ(x) + x · φ(x)` uses Φ again, so it is computed by hand and kept.
 */
export function gelu(x: Value): Value {
  const cdf = add(mul(erf(mul(x, Math.SQRT1_2)), 0.5), 0.5)
  return withGradient(mul(x, cdf), [x], dy => {
    const density = exp(sub(-0.5 * Math.log(2 * Math.PI), mul(mul(x, 0.5), x)))
    return [mul(dy, add(cdf, mul(x, density)))]
  })
}

/** GELU by tanh, what GPT-2 was trained with: Hugging Face's `gelu_new`. */
export function geluTanh(x: Value): Value {
  const inner = mul(mul(x, add(mul(mul(x, x), 0.044715), 1)), Math.sqrt(2 / Math.PI))
  return mul(mul(x, 0.5), add(tanh(inner), 1))
}

/** `x · sigmoid(x)` (Elfwing et al. 2017, arXiv 1702.03118), also called swish. */
export function silu(x: Value): Value {
  const gate = sigmoid(x)
  return withGradient(mul(x, gate), [x], dy => [mul(dy, mul(gate, add(mul(x, sub(1, gate)), 1)))])
}
