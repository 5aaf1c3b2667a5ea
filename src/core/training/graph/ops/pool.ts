import { defineOp } from '../op.ts'
import { fixed, type Shape, type Value } from '../value.ts'
import { div, mul } from './arithmetic.ts'
import { cast, equal } from './choose.ts'
import { unconvolve } from './conv.ts'
import { reshape } from './layout.ts'
import { reduceMean } from './reduce.ts'
import { reduceSum } from './sum.ts'
import {
  type Geometry,
  geometry,
  type Pair,
  points,
  type Size,
  single,
  views,
  type Window,
  windowAttributes,
} from './window.ts'

export interface Pooling extends Window {
  kernel: Pair
}

/** As in PyTorch, windows lie side by side unless a stride is given. */
function place(x: Value, { kernel, ...window }: Pooling): Geometry {
  const size: Size = typeof kernel === 'number' ? [kernel, kernel] : kernel
  return geometry(x, size, { ...window, stride: window.stride ?? size })
}

const pooled = ([x]: [Value], attrs: Pooling): Shape => [...x.shape.slice(0, 2), ...place(x, attrs).out]

/**
 * Largest value of every window, PyTorch's `max_pool2d`: `[n, c, h, w]` → `[n, c, h′, w′]`. Equal maxima share the
 * gradient. (ONNX's `MaxPool` can tell where its maxima were, but the webgpu provider's cannot.)
 */
export const maxPool2d = defineOp<1, Pooling>({
  onnx: 'MaxPool',
  shape: pooled,
  attributes: (attrs, [x]) => windowAttributes(place(x, attrs)),
  grad: (dy, [x], { y, attrs }) => {
    const g = place(x, attrs)
    const seen = stack(views(x, g, Number.NEGATIVE_INFINITY), x, g)
    const isMax = cast(equal(seen, perPoint(y)), { to: x.dtype })
    const share = div(perPoint(dy), reduceSum(isMax, { axes: [2], keep: true }))
    return [scatter(mul(isMax, share), x.shape, g)]
  },
})

/** Mean of every window, padding counted as zeros, PyTorch's `avg_pool2d`. */
export const averagePool2d = defineOp<1, Pooling>({
  onnx: 'AveragePool',
  shape: pooled,
  attributes: (attrs, [x]) => ({ ...windowAttributes(place(x, attrs)), count_include_pad: 1 }),
  grad: (dy, [x], { attrs }) => {
    const g = place(x, attrs)
    const channels = Number(x.shape[1])
    const size = points(g)
    const weights = new Float64Array(channels * size).fill(1 / size)
    const kernel = dy.graph.constant(dy.dtype, [channels, 1, ...g.kernel], weights, 'mean')
    return [unconvolve(dy, kernel, { g, groups: channels, to: x.shape })]
  },
})

/** Mean over each whole image, `[n, c, h, w]` → `[n, c]`. */
export const globalAveragePool = (x: Value): Value => reduceMean(x, { axes: [2, 3] })

/** `[n, c, h, w]` → `[n, c, 1, h, w]`, beside the axis of the kernel's points. */
const perPoint = (x: Value): Value => reshape(x, [...x.shape.slice(0, 2), 1, ...x.shape.slice(2)])

/** What the points of each window see, `[n, c, points, h′, w′]`. */
function stack(seen: Value[], x: Value, g: Geometry): Value {
  const shape = [...x.shape.slice(0, 2), points(g), ...g.out]
  return single(x.graph, 'Concat', seen.map(perPoint), x, shape, { axis: 2 })
}

/**
 * Adds what each point of each window holds, `[n, c, points, h′, w′]`, to where that point lies in the images: the
 * transpose of a convolution whose kernels each have a single 1. Channels go as images of their own: as groups of one
 * channel, ONNX Runtime's webgpu provider takes them for another kind of convolution, and its results are wrong.
 */
function scatter(parts: Value, to: Shape, g: Geometry): Value {
  const [n = 1, channels = 1, ...image] = fixed(to)
  const size = points(g)
  const ones = Float32Array.from({ length: size * size }, (_, i) =>
    Math.floor(i / size) === i % size ? 1 : 0,
  )
  const kernel = parts.graph.constant(parts.dtype, [size, 1, ...g.kernel], ones, 'points')
  const apart = reshape(parts, [n * channels, size, ...g.out])
  return reshape(unconvolve(apart, kernel, { g, groups: 1, to: [n * channels, 1, ...image] }), to)
}
