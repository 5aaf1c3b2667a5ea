import { defineOp } from '../op.ts'
import { count, fixed, type Shape, ShapeError, show, type Value } from '../value.ts'
import { reshape, transpose } from './layout.ts'
import { matmul } from './matmul.ts'
import { reduceSum } from './sum.ts'
import { type Geometry, geometry, points, single, views, type Window, windowAttributes } from './window.ts'

export interface Convolution extends Window {
  /** Into how many independent convolutions the channels are divided; 1 when left out. */
  groups?: number
}

/**
 * Two-dimensional convolution (cross-correlation, as all libraries mean it), PyTorch's `conv2d` without bias:
 * `[n, in, h, w]`, `[out, in / groups, kh, kw]` → `[n, out, h′, w′]`. For any kernel, stride, padding and dilation.
 * ONNX Runtime's CPU has it in single precision only.
 */
export const conv2d = defineOp<2, Convolution>({
  onnx: 'Conv',
  shape: ([x, w], attrs) => {
    const { out } = place(x, w, attrs)
    return [x.shape[0] ?? 1, w.shape[0] ?? 1, ...out]
  },
  attributes: (attrs, [x, w]) => ({ ...windowAttributes(place(x, w, attrs)), group: attrs.groups ?? 1 }),
  flops: ([x, w], attrs) => 2 * count([x.shape[0] ?? 1, ...place(x, w, attrs).out]) * count(w.shape),
  grad: (dy, [x, w], { attrs }) => {
    const g = place(x, w, attrs)
    const groups = attrs.groups ?? 1
    return [unconvolve(dy, w, { g, groups, to: x.shape }), weightGradient(dy, x, w.shape, g, groups)]
  },
})

function place(x: Value, w: Value, { groups = 1, ...window }: Convolution): Geometry {
  const [out = 0, perGroup = 0, height = 0, width = 0] = fixed(w.shape)
  const channels = Number(x.shape[1])
  if (w.shape.length !== 4 || channels !== perGroup * groups || out % groups !== 0)
    throw new ShapeError(
      `a convolution of ${show(x.shape)} with ${show(w.shape)} in ${groups} ${groups === 1 ? 'group' : 'groups'}`,
    )
  return geometry(x, [height, width], window)
}

interface Backwards {
  g: Geometry
  groups: number
  /** The shape of the images that were convolved. */
  to: Shape
}

/**
 * The transpose of a convolution as a linear map of images, ONNX's `ConvTranspose`: every result gives `w` times
 * itself back to the points it was computed from.
 */
export const unconvolve = defineOp<2, Backwards>({
  onnx: 'ConvTranspose',
  shape: (_, { to }) => to,
  attributes: ({ g, groups }) => ({
    ...windowAttributes(g),
    group: groups,
    // Rows and columns at the end that no position of the kernel reached.
    output_padding: g.image.map((size, i) => {
      const axis = i as 0 | 1
      const reached = (g.out[axis] - 1) * g.stride[axis] + g.dilation[axis] * (g.kernel[axis] - 1) + 1
      return size + 2 * g.padding[axis] - reached
    }),
  }),
  // With a constant kernel it only puts numbers in their places, as pooling's gradient does.
  flops: ([dy, w], { g }) =>
    w.graph.constants.has(w) ? 0 : 2 * count([dy.shape[0] ?? 1, ...g.out]) * count(w.shape),
})

/** `Σ dy · (what the kernel saw)` over images and positions: one product per image and group. */
function weightGradient(dy: Value, x: Value, to: Shape, g: Geometry, groups: number): Value {
  const [n, channels] = fixed(x.shape.slice(0, 2)) as [number, number]
  const [out = 1, perGroup = 1, ...kernel] = fixed(to)
  const positions = count(g.out)
  const seen = views(x, g).map(view => reshape(view, [n, groups, channels / groups, positions]))
  const rows = points(g) * perGroup
  const columns = single(dy.graph, 'Concat', seen, x, [n, groups, rows, positions], { axis: 2 })
  const each = matmul(reshape(dy, [n, groups, out / groups, positions]), transpose(columns))
  return transpose(reshape(reduceSum(each, { axes: [0] }), [out, ...kernel, perGroup]), [0, 3, 1, 2])
}
