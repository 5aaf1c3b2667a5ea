import { add, dense, matmul, matmulTransposed, type Value } from '../graph/index.ts'
import type { Init, Parameter } from '../models/model.ts'
import { adapted } from './lora.ts'
import type { Net } from './net.ts'

/** PyTorch's `nn.Linear`: `[n, in]` → `[n, out]` with `name.weight` `[out, in]` and, with bias, `name.bias` `[out]`. */
export function linear(net: Net, name: string, x: Value, { bias = true } = {}): Value {
  return x.graph.scope(name, () => {
    const w = net.parameter(`${name}.weight`)
    const y = bias ? dense(x, w, net.parameter(`${name}.bias`)) : matmulTransposed(x, w)
    return adapted(net, name, x, y)
  })
}

/** Its parameters as PyTorch draws them: uniform in ±1/√inputs, weights and biases (He et al. 2015 with a = √5). */
export function linearParameters(name: string, inputs: number, outputs: number): Parameter[] {
  const init = { uniform: 1 / Math.sqrt(inputs) }
  return [
    { name: `${name}.weight`, shape: [outputs, inputs], init, linear: { inputs, outputs } },
    { name: `${name}.bias`, shape: [outputs], init },
  ]
}

/**
 * Hugging Face's `Conv1D`, GPT-2's linear layer, whose weight lies the other way round: `[n, in]` → `[n, out]` with
 * `name.weight` `[in, out]` and, with bias, `name.bias` `[out]`.
 */
export function conv1d(net: Net, name: string, x: Value, { bias = true } = {}): Value {
  return x.graph.scope(name, () => {
    const y = matmul(x, net.parameter(`${name}.weight`))
    return adapted(net, name, x, bias ? add(y, net.parameter(`${name}.bias`)) : y)
  })
}

export function conv1dParameters(
  name: string,
  inputs: number,
  outputs: number,
  init: Init,
  { bias = true } = {},
): Parameter[] {
  const linear = { inputs, outputs, transposed: true }
  const weight = { name: `${name}.weight`, shape: [inputs, outputs], init, linear }
  return bias ? [weight, { name: `${name}.bias`, shape: [outputs], init: { constant: 0 } }] : [weight]
}
