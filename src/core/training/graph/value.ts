import type { Graph, Node } from './graph.ts'

export type DType = 'f16' | 'f32' | 'f64' | 'i8' | 'u8' | 'i32' | 'i64' | 'bool' | 'string'

/** A size, or the name of one that is only known when the graph runs (`rows` of an exported model). */
export type Dim = number | string
export type Shape = readonly Dim[]

/** A tensor that a graph will compute, be given, or holds as a constant. */
export class Value {
  readonly graph: Graph
  readonly dtype: DType
  readonly shape: Shape
  /** The node that computes it; inputs and constants have none. */
  readonly producer: Node | undefined
  /** As in the ONNX file. Naming a value as an output of its graph changes it. */
  name: string

  constructor(graph: Graph, name: string, dtype: DType, shape: Shape, producer?: Node) {
    this.graph = graph
    this.name = name
    this.dtype = dtype
    this.shape = shape
    this.producer = producer
  }
}

/** What operations take: a number stands for a scalar constant of the other operand's type. */
export type Operand = Value | number

export class ShapeError extends Error {
  override readonly name = 'ShapeError'
}

export const show = (shape: Shape): string => `[${shape.join(', ')}]`

/** @throws ShapeError when the shape has a named size */
export function fixed(shape: Shape): number[] {
  return shape.map(d => {
    if (typeof d === 'number') return d
    throw new ShapeError(`the size "${d}" of ${show(shape)} must be known here`)
  })
}

export const sameShape = (a: Shape, b: Shape): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i])

/** Number of elements. @throws ShapeError when the shape has a named size */
export const count = (shape: Shape): number => fixed(shape).reduce((product, d) => product * d, 1)

/** The common shape of two operands by NumPy's rule. @throws ShapeError when there is none */
export function broadcast(a: Shape, b: Shape): Dim[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const p = a[i - rank + a.length] ?? 1
    const q = b[i - rank + b.length] ?? 1
    if (p === q || q === 1) return p
    if (p === 1) return q
    throw new ShapeError(`shapes ${show(a)} and ${show(b)} do not fit together`)
  })
}

/** Counts an axis from the front; negative ones count from the end. @throws ShapeError */
export function axisOf(axis: number, rank: number): number {
  const front = axis < 0 ? axis + rank : axis
  if (!Number.isInteger(axis) || front < 0 || front >= rank)
    throw new ShapeError(`axis ${axis} of a tensor with ${rank} axes`)
  return front
}
