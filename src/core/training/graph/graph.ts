import type { AnyDefinition } from './op.ts'
import { count, type DType, type Shape, Value } from './value.ts'

/** A float attribute; plain numbers are integers, as ONNX tells the two apart. */
export interface Float {
  float: number
}
export type Attribute = number | Float | string | number[] | Float[] | string[] | Graph | Constant
export type Attributes = Readonly<Record<string, Attribute>>

/** The values of a constant; of a `string` constant, its texts. */
export interface Constant {
  dtype: DType
  shape: Shape
  data: (Iterable<number> & ArrayLike<number>) | readonly string[]
}

export interface Node {
  type: string
  /** '' is ONNX itself; others are `com.microsoft` and `ai.onnx.ml`. */
  domain: string
  inputs: readonly Value[]
  outputs: Value[]
  attributes: Attributes
  /** What the differentiator needs; nodes made by `node` have none. */
  op: NodeOp | undefined
}

export interface NodeOp {
  definition: AnyDefinition
  attrs: object
  /** What the gradient is with respect to, where that is not the node's inputs; see `withGradient`. */
  operands?: readonly Value[]
}

export interface NodeRequest {
  type: string
  domain?: string
  inputs: readonly Value[]
  attributes?: Attributes
  outputs: readonly { dtype: DType; shape: Shape }[]
  op?: Node['op']
}

/**
 * A graph under construction. Nodes are kept in the order of their making, which is an order in which they can run.
 * A graph with a parent is the body of a loop and sees the parent's values.
 */
export class Graph {
  readonly parent: Graph | undefined
  readonly depth: number
  readonly inputs: Value[] = []
  readonly outputs: Value[] = []
  readonly nodes: Node[] = []
  readonly constants = new Map<Value, Constant>()
  private readonly names: Set<string>
  private readonly known = new Map<string, Value>()
  private scopes: string[] = []

  /** Whether operations are written as their definitions say, without the faster ways that suit some shapes. */
  readonly general: boolean

  constructor(parent?: Graph, { general = parent?.general ?? false } = {}) {
    this.parent = parent
    this.general = general
    this.depth = parent ? parent.depth + 1 : 0
    // Names inside a loop's body must not hide the parent's.
    this.names = parent?.names ?? new Set()
  }

  input(name: string, dtype: DType, shape: Shape): Value {
    const value = new Value(this, this.claim(name), dtype, shape)
    this.inputs.push(value)
    return value
  }

  constant(dtype: DType, shape: Shape, data: Constant['data'], name = 'constant'): Value {
    if (data.length !== count(shape))
      throw new RangeError(`${data.length} values for a constant of ${count(shape)}`)
    const value = new Value(this, this.fresh(name), dtype, shape)
    this.constants.set(value, { dtype, shape, data })
    return value
  }

  /** A scalar constant; equal ones are shared. */
  scalar(dtype: DType, number: number): Value {
    return this.shared(`${dtype} ${number}`, () => this.constant(dtype, [], [number], String(number)))
  }

  /** A value that several operations use: made the first time, found again by its key. */
  shared(key: string, make: () => Value): Value {
    const known = this.known.get(key)
    if (known) return known
    const value = make()
    this.known.set(key, value)
    return value
  }

  /** The graph that is nobody's body: what it holds is there once for all steps. */
  get root(): Graph {
    return this.parent?.root ?? this
  }

  /** Adds a node as ONNX knows it. Operations with a gradient are made by `defineOp`; this is for all others. */
  node(request: NodeRequest): Value[] {
    const { type, domain = '', inputs, attributes = {}, op } = request
    const node: Node = { type, domain, inputs, attributes, outputs: [], op }
    const name = this.fresh(this.scoped(type))
    for (const [i, { dtype, shape }] of request.outputs.entries())
      node.outputs.push(new Value(this, i === 0 ? name : this.fresh(`${name}.${i}`), dtype, shape, node))
    this.nodes.push(node)
    return node.outputs
  }

  /** Declares `value` an output called `name`. */
  output(name: string, value: Value): void {
    // An Identity would copy the tensor on every step, so a node's result takes the name itself where it can.
    const own = value.graph === this && value.producer !== undefined && !this.outputs.includes(value)
    const { dtype, shape } = value
    const result = own
      ? value
      : this.node({ type: 'Identity', inputs: [value], outputs: [{ dtype, shape }] })[0]
    if (!result) return
    result.name = this.claim(name)
    this.outputs.push(result)
  }

  /** Names of nodes made meanwhile begin with `name/`: what a reader of the graph in Netron sees. */
  scope<T>(name: string, work: () => T): T {
    const before = this.scopes
    this.scopes = [...before, name]
    try {
      return work()
    } finally {
      this.scopes = before
    }
  }

  private scoped(name: string): string {
    return [...this.scopes, name].join('/')
  }

  private claim(name: string): string {
    if (this.names.has(name)) throw new RangeError(`the graph already has a value named "${name}"`)
    this.names.add(name)
    return name
  }

  private fresh(name: string): string {
    let unique = name
    for (let i = 2; this.names.has(unique); i++) unique = `${name}_${i}`
    return this.claim(unique)
  }
}

/** The values a node needs, those inside its loop body included. */
export function needs(node: Node): Value[] {
  const bodies = Object.values(node.attributes).filter(a => a instanceof Graph)
  const captured = bodies.flatMap(body =>
    [...body.nodes.flatMap(needs), ...body.outputs].filter(value => value.graph.depth < body.depth),
  )
  return [...node.inputs, ...captured]
}

/** The nodes on which the graph's outputs depend: gradients nobody asked for are left out of the file. */
export function liveNodes(graph: Graph): Node[] {
  const wanted = new Set(graph.outputs)
  const live: Node[] = []
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some(output => wanted.has(output))) continue
    live.push(node)
    for (const value of needs(node)) wanted.add(value)
  }
  return live.reverse()
}
