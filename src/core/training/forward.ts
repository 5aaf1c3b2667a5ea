import { precisionOf } from './base.ts'
import { add, cast, type Graph, mul, reshape, type Value } from './graph/index.ts'
import type { Dropout } from './layers/dropout.ts'
import type { Frozen } from './layers/frozen.ts'
import { adaptedModules, adapterNames } from './layers/lora.ts'
import { adaptedNet, type Net, netOf } from './layers/net.ts'
import { type Architecture, modelOf } from './models/index.ts'
import { parameters } from './parameters.ts'
import { rowOf, type TrainingSpec } from './spec.ts'
import { floats, named, type Tensors } from './tensor.ts'

/** The type in which a spec's raw inputs enter a graph. */
export const inputType = (spec: TrainingSpec) => rowOf(spec).x.dtype

/** Raw inputs `[n, …]` to what the model sees: `x · scale + shift` in float32; tokens stay what they are. */
export function normalise(spec: TrainingSpec, x: Value): Value {
  if (spec.task === 'language') return x
  const { scale, shift } = spec.input
  return x.graph.scope('input', () => {
    const numbers = x.dtype === 'f32' ? x : cast(x, { to: 'f32' })
    const scaled = scale === 1 ? numbers : mul(numbers, scale)
    return shift === 0 ? scaled : add(scaled, shift)
  })
}

/**
 * The model without loss: raw inputs `[n, …]` (as `rowOf` says) → logits or predicted values. It takes values of any
 * graph, so a caller can put preprocessing in front and softmax behind.
 */
export function forward(spec: TrainingSpec, x: Value, net: Net): Value {
  const { shape } = rowOf(spec).x
  // A picture may come as a row of pixels.
  return modelOf(spec).forward(net, reshape(normalise(spec, x), [x.shape[0] ?? 1, ...shape]))
}

/** The parameters as constants of a graph, for a model that is complete in one file. */
export function constantWeights(graph: Graph, architecture: Architecture, weights: Tensors): Net {
  return netOf(
    parameters(architecture).map(({ name, shape }) => [
      name,
      graph.constant('f32', shape, floats(named(weights, name)), name),
    ]),
  )
}

/** The parameters as inputs of a graph, each under its own name. */
export function inputWeights(graph: Graph, architecture: Architecture): Net {
  const values = parameters(architecture).map(({ name, shape }) => graph.input(name, 'f32', shape))
  return trainedNet(graph, architecture, values, frozenInputs(graph, architecture))
}

/** A frozen base as inputs of a graph, `base/NAME` and, of i8, `base/NAME.scale`. */
export function frozenInputs(graph: Graph, architecture: Architecture): Map<string, Frozen> {
  return new Map(
    modelOf(architecture).frozen.map(({ name, shape }) => {
      const dtype = precisionOf(shape, architecture.adapter?.base)
      const value = graph.input(`base/${name}`, dtype, shape)
      const scale = dtype === 'i8' ? graph.input(`base/${name}.scale`, 'f32', shape.slice(0, 1)) : undefined
      return [name, { value, scale }]
    }),
  )
}

/** @param values  of what is trained, in the order of `parameters` @param graph  where they are used */
export function trainedNet(
  graph: Graph,
  architecture: Architecture,
  values: readonly Value[],
  base: ReadonlyMap<string, Frozen>,
  dropout?: Dropout,
): Net {
  const { adapter } = architecture
  const byName = new Map(parameters(architecture).map(({ name }, i) => [name, values[i]!])) // one for each
  if (!adapter) return { ...netOf(byName), dropout }
  const adapters = adaptedModules(modelOf(architecture).frozen, adapter).map(module => {
    const { a, b } = adapterNames(module)
    return [module, { a: byName.get(a)!, b: byName.get(b)!, scale: adapter.alpha / adapter.rank }] as const
  })
  return { ...adaptedNet(graph, base, new Map(adapters)), dropout }
}
