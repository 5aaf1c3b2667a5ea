import { add, conv2d, pooledConv2d, reshape, type Value } from '../graph/index.ts'
import type { Parameter } from '../models/model.ts'
import type { Net } from './net.ts'

/**
 * PyTorch's `Conv2d` with "same" padding and then `MaxPool2d(2)`: `[n, in, h, w]` → `[n, out, ⌊h/2⌋, ⌊w/2⌋]`. The bias
 * is added after pooling: the largest sum is the sum of the largest, and there are four times fewer.
 */
export function pooledConv(net: Net, name: string, x: Value): Value {
  return x.graph.scope(name, () => {
    const w = net.parameter(`${name}.weight`)
    const bias = net.parameter(`${name}.bias`)
    return add(pooledConv2d(x, w), reshape(bias, [...bias.shape, 1, 1]))
  })
}

/** PyTorch's `Conv2d` without bias, "same" padding: `[n, in, h, w]` → `[n, out, ⌈h/stride⌉, ⌈w/stride⌉]`. */
export function conv(net: Net, name: string, x: Value, stride = 1): Value {
  return x.graph.scope(name, () => {
    const w = net.parameter(`${name}.weight`)
    return conv2d(x, w, { stride, padding: Math.floor(Number(w.shape[2]) / 2) })
  })
}

/** Its kernel as torchvision draws it for residual networks: normal, variance 2 / (outputs · kernel²) (He et al. 2015). */
export function kernelParameter(name: string, inputs: number, outputs: number, kernel: number): Parameter {
  const init = { normal: Math.sqrt(2 / (outputs * kernel * kernel)) }
  return { name: `${name}.weight`, shape: [outputs, inputs, kernel, kernel], init }
}

/** PyTorch's `Conv2d`, uniform in ±1/√(inputs · kernel²), weight and bias (He et al. 2015 with a = √5). */
export function convParameters(name: string, inputs: number, outputs: number, kernel: number): Parameter[] {
  const init = { uniform: 1 / Math.sqrt(inputs * kernel * kernel) }
  return [
    { name: `${name}.weight`, shape: [outputs, inputs, kernel, kernel], init },
    { name: `${name}.bias`, shape: [outputs], init },
  ]
}
