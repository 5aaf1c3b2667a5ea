import { groupNorm, layerNorm, rmsNorm, type Value } from '../graph/index.ts'
import type { Parameter } from '../models/model.ts'
import type { Net } from './net.ts'

/** PyTorch's `nn.LayerNorm` over the last axis: `name.weight` and, with bias, `name.bias`, both `[width]`. */
export function normalised(net: Net, name: string, x: Value, { bias = true, epsilon = 1e-5 } = {}): Value {
  return x.graph.scope(name, () =>
    layerNorm(x, net.parameter(`${name}.weight`), bias ? net.parameter(`${name}.bias`) : undefined, epsilon),
  )
}

export function normParameters(name: string, width: number, { bias = true } = {}): Parameter[] {
  const weight = { name: `${name}.weight`, shape: [width], init: { constant: 1 } }
  return bias ? [weight, { name: `${name}.bias`, shape: [width], init: { constant: 0 } }] : [weight]
}

/** Llama's RMS norm over the last axis, with `name.weight` `[width]`. */
export const rmsNormalised = (net: Net, name: string, x: Value, epsilon: number): Value =>
  x.graph.scope(name, () => rmsNorm(x, net.parameter(`${name}.weight`), epsilon))

/** PyTorch's `nn.GroupNorm` of images `[n, channels, h, w]`: `name.weight` and `name.bias`, both `[channels]`. */
export const groupNormalised = (net: Net, name: string, x: Value, groups: number): Value =>
  x.graph.scope(name, () =>
    groupNorm(x, net.parameter(`${name}.weight`), net.parameter(`${name}.bias`), groups),
  )
