import { dense, type Value } from '../graph/index.ts'

/** Finds a parameter by its name, e.g. `0.weight`: an input while training, a constant in an exported model. */
export type Parameters = (name: string) => Value

/** PyTorch's `nn.Linear`: `[n, in]` → `[n, out]` with `name.weight` `[out, in]` and `name.bias` `[out]`. */
export function linear(parameters: Parameters, name: string, x: Value): Value {
  return x.graph.scope(name, () => dense(x, parameters(`${name}.weight`), parameters(`${name}.bias`)))
}
