import type { Attributes, Graph } from '../graph.ts'
import { type Dim, fixed, ShapeError, show, type Value } from '../value.ts'

/** One number for both, or [height, width]. */
export type Pair = number | readonly [number, number]

/** How a kernel moves over images, with PyTorch's names and defaults. */
export interface Window {
  /** Distance between neighbouring positions; 1 when left out. */
  stride?: Pair
  /** Rows and columns added at each side; 0 when left out. */
  padding?: Pair
  /** Distance between neighbouring points of the kernel; 1 when left out. */
  dilation?: Pair
}

export type Size = readonly [height: number, width: number]

/** A kernel's movement over images of one size, worked out. */
export interface Geometry {
  image: Size
  kernel: Size
  stride: Size
  padding: Size
  dilation: Size
  /** Positions of the kernel: the size of the result. */
  out: Size
}

const both = (pair: Pair): Size => (typeof pair === 'number' ? [pair, pair] : pair)

/** @param x  `[n, channels, height, width]` @throws ShapeError when the kernel fits nowhere */
export function geometry(x: Value, kernel: Size, window: Window): Geometry {
  if (x.shape.length !== 4)
    throw new ShapeError(`images are [n, channels, height, width], not ${show(x.shape)}`)
  const [height = 0, width = 0] = fixed(x.shape.slice(2))
  const [stride, padding, dilation] = [
    both(window.stride ?? 1),
    both(window.padding ?? 0),
    both(window.dilation ?? 1),
  ]
  const along = (i: 0 | 1, size: number) =>
    Math.floor((size + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) / stride[i]) + 1
  const out: Size = [along(0, height), along(1, width)]
  if (out[0] < 1 || out[1] < 1)
    throw new ShapeError(`a window of ${show(kernel)} does not fit into images of ${show([height, width])}`)
  return { image: [height, width], kernel, stride, padding, dilation, out }
}

export const points = ({ kernel }: Geometry): number => kernel[0] * kernel[1]

/** The geometry as ONNX's operators want it. */
export const windowAttributes = ({ kernel, stride, padding, dilation }: Geometry): Attributes => ({
  kernel_shape: [...kernel],
  strides: [...stride],
  pads: [...padding, ...padding],
  dilations: [...dilation],
})

/**
 * What the kernel's points see: one strided slice of the padded images for each, `[n, channels, out]`. Slices are
 * strided reads of memory; unfolding by index tables took ten times as long.
 * @param border  what the padding holds
 */
export function views(x: Value, g: Geometry, border = 0): Value[] {
  const framed = pad(x, g.padding, border)
  const { graph } = framed
  const [n = 1, channels = 1] = x.shape
  const axes = indices(graph, [2, 3])
  const steps = indices(graph, g.stride)
  return Array.from({ length: points(g) }, (_, point) => {
    const [row, column] = [Math.floor(point / g.kernel[1]), point % g.kernel[1]]
    const start: Size = [row * g.dilation[0], column * g.dilation[1]]
    const end = start.map((from, i) => from + (g.out[i as 0 | 1] - 1) * g.stride[i as 0 | 1] + 1)
    return single(graph, 'Slice', [framed, indices(graph, start), indices(graph, end), axes, steps], framed, [
      n,
      channels,
      ...g.out,
    ])
  })
}

/** The images with rows and columns of `border` around them. */
function pad(x: Value, [rows, columns]: Size, border: number): Value {
  if (rows === 0 && columns === 0) return x
  const { graph, dtype } = x
  const [n = 1, channels = 1, height, width] = x.shape
  const sides = indices(graph, [0, 0, rows, columns, 0, 0, rows, columns])
  const shape = [n, channels, Number(height) + 2 * rows, Number(width) + 2 * columns]
  return single(graph, 'Pad', [x, sides, graph.scalar(dtype, border)], x, shape)
}

const indices = (graph: Graph, values: readonly number[]): Value =>
  graph.constant('i64', [values.length], values, 'indices')

/** A node without a gradient of its own: it is only used inside gradients. */
export function single(
  graph: Graph,
  type: string,
  inputs: Value[],
  like: Value,
  shape: Dim[],
  attributes = {},
): Value {
  const [result] = graph.node({ type, inputs, attributes, outputs: [{ dtype: like.dtype, shape }] })
  if (!result) throw new TypeError(`${type} has one result`)
  return result
}
