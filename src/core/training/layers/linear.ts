import { dense, type Value } from '../graph/index.ts'
import type { Parameter } from '../models/model.ts'
import type { Net } from './net.ts'

/** PyTorch's `nn.Linear`: `[n, in]` → `[n, out]` with `name.weight` `[out, in]` and `name.bias` `[out]`. */
export function linear(net: Net, name: string, x: Value): Value {
  return x.graph.scope(name, () => dense(x, net.parameter(`${name}.weight`), net.parameter(`${name}.bias`)))
}

/** Its parameters as PyTorch draws them: uniform in ±1/√inputs, weights and biases (He et al. 2015 with a = √5). */
export function linearParameters(name: string, inputs: number, outputs: number): Parameter[] {
  const init = { uniform: 1 / Math.sqrt(inputs) }
  return [
    { name: `${name}.weight`, shape: [outputs, inputs], init },
    { name: `${name}.bias`, shape: [outputs], init },
  ]
}
