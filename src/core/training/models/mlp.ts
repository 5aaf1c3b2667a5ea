import { relu, type Value } from '../graph/index.ts'
import { linear, type Parameters } from '../layers/linear.ts'
import type { TrainingSpec } from '../spec.ts'

/**
 * A multi-layer perceptron: linear layers with ReLU between them, `[n, inputs]` → `[n, outputs]`. The layers are
 * numbered as in a PyTorch `Sequential`, in which each ReLU counts too.
 */
export function mlp(parameters: Parameters, model: TrainingSpec['model'], x: Value): Value {
  let h = x
  for (let i = 0; i < model.hidden.length; i++) h = relu(linear(parameters, `${2 * i}`, h))
  return linear(parameters, `${2 * model.hidden.length}`, h)
}
