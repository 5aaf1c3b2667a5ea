import type { Attributes, Graph } from './graph.ts'
import { type DType, type Operand, type Shape, ShapeError, show, Value } from './value.ts'

type Arity = 1 | 2 | 3
type Tuple<N extends Arity, T> = N extends 1 ? [T] : N extends 2 ? [T, T] : [T, T, T]

/** What a gradient may use besides the operands. */
export interface GradContext<A> {
  /** The operation's (first) result. */
  y: Value
  attrs: A
  /** Further results, of operations that have several. */
  others: readonly Value[]
  /** The gradients of these further results, where they have any. */
  dothers: readonly (Value | undefined)[]
}

/** One operation: how it is written in ONNX, its shape rule, and its gradient, side by side. */
export interface Definition<N extends Arity, A extends object> {
  onnx: string
  /** The operator's domain, when it is not ONNX's own. */
  domain?: string
  shape(operands: Tuple<N, Value>, attrs: A): Shape
  /** Of the result. Left out, all operands must have one type, which is the result's. */
  dtype?(operands: Tuple<N, Value>, attrs: A): DType
  attributes?(attrs: A, operands: Tuple<N, Value>): Attributes
  /** Constant tensors that ONNX wants as further inputs, e.g. the axes of a sum. */
  constants?(graph: Graph, attrs: A, operands: Tuple<N, Value>): Value[]
  /** Further results that ONNX's operator has, e.g. what its gradient needs. */
  others?(operands: Tuple<N, Value>, attrs: A): { dtype: DType; shape: Shape }[]
  /** Floating-point operations of one run. Only products count, as is the custom when training is priced. */
  flops?(operands: Tuple<N, Value>, attrs: A): number
  /**
   * Gradients for each operand, given `dy`, that of the result; undefined for an operand that has none (an index).
   * Left out where the result is not differentiable.
   */
  grad?(dy: Value, operands: Tuple<N, Value>, context: GradContext<A>): (Value | undefined)[]
}

/** A definition seen from the differentiator, which checks nothing about its attributes. */
export interface AnyDefinition {
  onnx: string
  /** Makes the value anew for the way back, so that it need not lie in memory until then. */
  again?(): Value
  flops?(operands: readonly Value[], attrs: object): number
  grad?(dy: Value, operands: readonly Value[], context: GradContext<object>): (Value | undefined)[]
}

export type Op<N extends Arity, A extends object = Record<never, never>> = (
  ...args: Record<never, never> extends A
    ? [...Tuple<N, Operand>, attrs?: A]
    : [...Tuple<N, Operand>, attrs: A]
) => Value

export type Unary = Op<1>
export type Binary = Op<2>
export type Ternary = Op<3>

/** Makes the function that adds the operation to the graph of its operands (the innermost, if several). */
export function defineOp<N extends Arity, A extends object = Record<never, never>>(
  definition: Definition<N, A>,
): Op<N, A> {
  return (...args) => {
    // The signature says which arguments are operands; a tuple of generic length cannot be taken apart in types.
    const last = args.at(-1)
    const hasAttrs = typeof last === 'object' && !(last instanceof Value)
    const attrs = (hasAttrs ? last : {}) as A
    const operands = resolve((hasAttrs ? args.slice(0, -1) : args) as Operand[]) as Tuple<N, Value>
    const graph = innermost(operands)
    const dtype = definition.dtype?.(operands, attrs) ?? commonType(definition.onnx, operands)
    const [y] = graph.node({
      type: definition.onnx,
      ...(definition.domain ? { domain: definition.domain } : {}),
      inputs: [...operands, ...(definition.constants?.(graph, attrs, operands) ?? [])],
      attributes: definition.attributes?.(attrs, operands) ?? {},
      outputs: [
        { dtype, shape: definition.shape(operands, attrs) },
        ...(definition.others?.(operands, attrs) ?? []),
      ],
      op: { definition: definition as unknown as AnyDefinition, attrs }, // only ever called with its own operands
    })
    if (!y) throw new ShapeError(`${definition.onnx} has no result`)
    return y
  }
}

/** Numbers become scalars of the type of the first operand that is a value. */
function resolve(operands: Operand[]): Value[] {
  const values = operands.filter(o => o instanceof Value)
  const graph = innermost(values)
  const typed = values.find(v => v.dtype !== 'bool') ?? values[0]
  return operands.map(o => (o instanceof Value ? o : graph.scalar(typed?.dtype ?? 'f32', o)))
}

function innermost(values: readonly Value[]): Graph {
  const [first, ...rest] = values
  if (!first) throw new TypeError('an operation needs at least one operand that is not a number')
  return rest.reduce((graph, v) => (v.graph.depth > graph.depth ? v.graph : graph), first.graph)
}

function commonType(onnx: string, operands: readonly Value[]): DType {
  const [first, ...rest] = operands
  const odd = rest.find(v => v.dtype !== first?.dtype)
  if (!first || odd) {
    const found = operands.map(v => `${v.dtype}${show(v.shape)}`).join(' and ')
    throw new ShapeError(`${onnx} needs operands of one type, found ${found}`)
  }
  return first.dtype
}
