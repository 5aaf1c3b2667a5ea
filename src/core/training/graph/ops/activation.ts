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
 * Written as `u · (1 + erf u) / √2` with `u = x / √2`: both constants stand at the borders, where the products before and
 * after take them up, and nothing inside is scaled. Its gradient uses `1 + erf u` again.
 */
export function gelu(x: Value): Value {
  const u = mul(x, Math.SQRT1_2)
  const raised = add(erf(u), 1)
  const y = withGradient(mul(u, raised), [u], dy => {
    const density = exp(sub(Math.log(2 / Math.sqrt(Math.PI)), mul(u, u)))
    return [mul(dy, add(raised, mul(u, density)))]
  })
  return mul(y, Math.SQRT1_2)
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
