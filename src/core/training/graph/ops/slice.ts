import { defineOp, type Op } from '../op.ts'
import { axisOf, fixed, ShapeError, show, type Value } from '../value.ts'
import { zerosLike } from './fill.ts'

interface Range {
  axis: number
  start: number
  /** Not included. */
  end: number
}

/** `x[…, start:end, …]` along one axis. */
export const slice: Op<1, Range> = defineOp<1, Range>({
  onnx: 'Slice',
  shape: ([x], { axis, start, end }) => {
    const at = axisOf(axis, x.shape.length)
    const size = fixed([x.shape[at] ?? 1])[0] ?? 1
    if (start < 0 || end > size || start >= end)
      throw new ShapeError(`elements ${start} to ${end} of axis ${axis} of ${show(x.shape)}`)
    return x.shape.with(at, end - start)
  },
  constants: (graph, { axis, start, end }, [x]) =>
    [start, end, axisOf(axis, x.shape.length)].map(n => graph.constant('i64', [1], [n], 'range')),
  grad: (dy, [x], { attrs: { axis, start, end } }) => {
    const at = axisOf(axis, x.shape.length)
    const after = Number(x.shape[at]) - end
    return [pad(dy, { axis: at, before: start, after })]
  },
})

/** Zeros before and after along one axis. */
export const pad: Op<1, { axis: number; before: number; after: number }> = defineOp({
  onnx: 'Pad',
  shape: ([x], { axis, before, after }) =>
    x.shape.with(
      axisOf(axis, x.shape.length),
      Number(x.shape[axisOf(axis, x.shape.length)]) + before + after,
    ),
  constants: (graph, { axis, before, after }, [x]) => {
    const rank = x.shape.length
    const at = axisOf(axis, rank)
    const amounts = new Array<number>(2 * rank)
      .fill(0)
      .with(at, before)
      .with(rank + at, after)
    return [graph.constant('i64', [2 * rank], amounts, 'pads')]
  },
  grad: (dy, [x], { attrs: { axis, before } }) => {
    const size = Number(x.shape[axisOf(axis, x.shape.length)])
    return [slice(dy, { axis, start: before, end: before + size })]
  },
})

/** Joins tensors along an axis. */
export function concat(parts: readonly Value[], axis: number): Value {
  const [first] = parts
  if (!first) throw new ShapeError('a concatenation of nothing')
  const at = axisOf(axis, first.shape.length)
  const sizes = parts.map(part => Number(part.shape[at]))
  const odd = parts.find(part => show(part.shape.with(at, 0)) !== show(first.shape.with(at, 0)))
  if (odd) throw new ShapeError(`${show(first.shape)} beside ${show(odd.shape)} along axis ${axis}`)
  const graph = parts.reduce((inner, { graph }) => (graph.depth > inner.depth ? graph : inner), first.graph)
  const shape = first.shape.with(
    at,
    sizes.reduce((sum, size) => sum + size),
  )
  const grad = (dy: Value) => split(dy, sizes, at)
  const [joined] = graph.node({
    type: 'Concat',
    inputs: parts,
    attributes: { axis: at },
    outputs: [{ dtype: first.dtype, shape }],
    op: { definition: { onnx: 'Concat', grad }, attrs: {} },
  })
  return joined!
}

/** Takes a tensor apart along an axis into parts of the given sizes. */
export function split(x: Value, sizes: readonly number[], axis: number): Value[] {
  const at = axisOf(axis, x.shape.length)
  if (sizes.reduce((sum, size) => sum + size, 0) !== Number(x.shape[at]))
    throw new ShapeError(`parts of ${show(sizes)} of axis ${axis} of ${show(x.shape)}`)
  const { graph, dtype } = x
  const lengths = graph.constant('i64', [sizes.length], sizes, 'sizes')
  return graph.node({
    type: 'Split',
    inputs: [x, lengths],
    attributes: { axis: at },
    outputs: sizes.map(size => ({ dtype, shape: x.shape.with(at, size) })),
    op: {
      definition: {
        onnx: 'Split',
        grad: (dy, _, { dothers, others }) => [
          concat([dy, ...dothers.map((d, i) => d ?? zerosLike(others[i]!))], at),
        ],
      },
      attrs: {},
    },
  })
}
