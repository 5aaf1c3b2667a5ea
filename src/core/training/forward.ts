import { add, cast, type Graph, mul, type Value } from './graph/index.ts'
import type { Parameters } from './layers/linear.ts'
import { mlp } from './models/mlp.ts'
import { parameters } from './parameters.ts'
import type { TrainingSpec } from './spec.ts'
import { floats, type Tensors } from './tensor.ts'

/** The type in which a spec's raw inputs enter a graph. */
export const inputType = (spec: TrainingSpec): 'f32' | 'u8' => spec.input.dtype

/** Raw inputs `[n, inputs]` to what the model sees: `x · scale + shift` in float32. */
export function normalise(spec: TrainingSpec, x: Value): Value {
  const { scale, shift } = spec.input
  return x.graph.scope('input', () => {
    const numbers = x.dtype === 'f32' ? x : cast(x, { to: 'f32' })
    const scaled = scale === 1 ? numbers : mul(numbers, scale)
    return shift === 0 ? scaled : add(scaled, shift)
  })
}

/**
 * The model without loss: raw inputs `[n, inputs]` (as the spec's `input` says) → logits or predicted values
 * `[n, outputs]`. It takes values of any graph, so a caller can put preprocessing in front and softmax behind.
 */
export function forward(spec: TrainingSpec, x: Value, weights: Parameters): Value {
  return mlp(weights, spec.model, normalise(spec, x))
}

/** The parameters as constants of a graph, for a model that is complete in one file. */
export function constantWeights(graph: Graph, spec: TrainingSpec, weights: Tensors): Parameters {
  return named(
    parameters(spec).map(({ name, shape }) => {
      const tensor = weights.get(name)
      if (!tensor) throw new RangeError(`the weights lack "${name}"`)
      return [name, graph.constant('f32', shape, floats(tensor), name)]
    }),
  )
}

/** The parameters as inputs of a graph, each under its own name. */
export function inputWeights(graph: Graph, spec: TrainingSpec): Parameters {
  return named(parameters(spec).map(({ name, shape }) => [name, graph.input(name, 'f32', shape)]))
}

export function named(values: readonly (readonly [string, Value])[]): Parameters {
  const byName = new Map(values)
  return name => {
    const value = byName.get(name)
    if (!value) throw new RangeError(`the model has no parameter "${name}"`)
    return value
  }
}

export type { Parameters }
