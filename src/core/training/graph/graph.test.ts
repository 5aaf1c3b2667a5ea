import { describe, expect, it } from 'vitest'
import { ort, type Tensor } from '../onnxruntime.ts'
import {
  accumulate,
  add,
  cast,
  crossEntropy,
  dense,
  encodeModel,
  Graph,
  gradients,
  greater,
  loop,
  matmul,
  mul,
  reduceSum,
  relu,
  reshape,
  transpose,
  type Value,
} from './index.ts'

async function run(graph: Graph, feeds: Record<string, Tensor>): Promise<Record<string, number[]>> {
  const session = await ort.InferenceSession.create(encodeModel(graph), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  })
  const results = await session.run(feeds)
  await session.release()
  return Object.fromEntries(
    Object.entries(results).map(([name, t]) => [name, Array.from(t.data as Float32Array)]),
  )
}
const floats = (shape: number[], ...values: number[]) =>
  new ort.Tensor('float32', Float32Array.from(values), shape)
const types = (graph: Graph) => graph.nodes.map(node => node.type)

describe('a graph', () => {
  it('names its nodes by their scopes, each once', () => {
    const graph = new Graph()
    const x = graph.input('x', 'f32', [2])
    const twice = graph.scope('block', () => graph.scope('inner', () => [relu(x), relu(x)]))
    expect(twice.map(v => v.name)).toEqual(['block/inner/Relu', 'block/inner/Relu_2'])
    expect(() => graph.input('x', 'f32', [2])).toThrow(/already has a value named "x"/)
  })

  it('leaves out of the file what no output needs', () => {
    const graph = new Graph()
    const x = graph.input('x', 'f32', [2])
    graph.output('y', relu(x))
    const lean = encodeModel(graph).length
    mul(x, graph.constant('f32', [2], [1, 2]))
    expect(encodeModel(graph)).toHaveLength(lean)
  })

  it('runs with a number of rows that was not known when it was built', async () => {
    const graph = new Graph()
    const x = graph.input('x', 'f32', ['rows', 2])
    const w = graph.constant('f32', [1, 2], [3, 4])
    graph.output('y', dense(x, w, graph.constant('f32', [1], [10])))
    for (const rows of [1, 3]) {
      const values = Array.from({ length: 2 * rows }, (_, i) => i)
      const { y } = await run(graph, { x: floats([rows, 2], ...values) })
      expect(y).toEqual(Array.from({ length: rows }, (_, r) => 3 * 2 * r + 4 * (2 * r + 1) + 10))
    }
  })

  it('carries texts, which a model of raw rows takes in', async () => {
    const graph = new Graph()
    const x = graph.input('x', 'string', [2])
    const [is] = graph.node({
      type: 'Equal',
      inputs: [x, graph.constant('string', [], ['red'])],
      outputs: [{ dtype: 'bool', shape: [2] }],
    })
    graph.output('y', cast(is!, { to: 'f32' }))
    expect(await run(graph, { x: new ort.Tensor('string', ['red', 'blue'], [2]) })).toEqual({ y: [1, 0] })
  })

  it('uses a value as two outputs, and an input as an output', async () => {
    const graph = new Graph()
    const x = graph.input('x', 'f32', [1])
    const y = add(x, 1)
    for (const [name, value] of Object.entries({ a: y, b: y, c: x })) graph.output(name, value)
    expect(await run(graph, { x: floats([1], 5) })).toEqual({ a: [6], b: [6], c: [5] })
  })
})

describe('operands that do not fit', () => {
  const graph = new Graph()
  const of = (...shape: number[]): Value => graph.input(`x${graph.inputs.length}`, 'f32', shape)
  const cases: [string, () => unknown, RegExp][] = [
    ['a sum', () => add(of(2, 3), of(2)), /\[2, 3\] and \[2\] do not fit/],
    ['a product', () => matmul(of(2, 3), of(2, 3)), /\[2, 3\] and \[2, 3\]/],
    ['a dense layer', () => dense(of(5, 3), of(4, 3), of(3)), /\[5, 3\], \[4, 3\] and \[3\]/],
    ['another shape', () => reshape(of(2, 3), [4]), /\[2, 3\] cannot become \[4\]/],
    ['an order of axes', () => transpose(of(2, 3), [0, 0]), /no order/],
    ['an axis', () => reduceSum(of(2), { axes: [1] }), /axis 1/],
    ['labels', () => crossEntropy(of(2, 3), graph.input('l', 'i64', [3])), /labels \[3\]/],
    ['types', () => add(of(1), graph.input('i', 'i32', [1])), /one type.*f32\[1\] and i32\[1\]/],
  ]
  it.each(cases)('are refused with their shapes: %s', (_, make, message) => {
    expect(make).toThrow(message)
  })

  it('includes a loss that is no scalar, and one that does not depend on the weights', () => {
    const x = of(2)
    expect(() => gradients(relu(x), [x])).toThrow(/scalar/)
    expect(() => gradients(reduceSum(of(2)), [x])).toThrow(/does not depend on "x/)
    expect(() => gradients(reduceSum(cast(greater(x, 0), { to: 'f32' })), [x])).toThrow(/does not depend/)
  })
})

describe('accumulation', () => {
  it.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])(
    'of a product is one Gemm with the same result as product and sum (transposed: %s, %s)',
    async (left, right) => {
      const make = (fast: boolean) => {
        const graph = new Graph()
        const a = graph.input('a', 'f32', left ? [3, 2] : [2, 3])
        const b = graph.input('b', 'f32', right ? [2, 3] : [3, 2])
        const base = graph.input('base', 'f32', [2, 2])
        const product = matmul(left ? transpose(a) : a, right ? transpose(b) : b)
        // A sum with zero hides the product from the fast path.
        graph.output('y', accumulate(base, 0.5, fast ? product : add(product, 0), -2))
        return graph
      }
      expect(types(make(true))).toContain('Gemm')
      expect(types(make(false))).not.toContain('Gemm')
      const feeds = {
        a: floats(left ? [3, 2] : [2, 3], 1, 2, 3, 4, 5, 6),
        b: floats(right ? [2, 3] : [3, 2], 1, -1, 2, 0, 3, 1),
        base: floats([2, 2], 10, 20, 30, 40),
      }
      expect(await run(make(true), feeds)).toEqual(await run(make(false), feeds))
    },
  )
})

describe('a loop', () => {
  it('carries values from step to step and collects others', async () => {
    const graph = new Graph()
    const steps = graph.input('steps', 'i64', [])
    const x = graph.input('x', 'f32', [])
    const results = loop(steps, [{ name: 'sum', start: x }], ['before'], 'steps', (_, step, [sum]) => ({
      next: [add(sum!, mul(cast(step, { to: 'f32' }), x))],
      collect: [mul(sum!, 1)],
    }))
    graph.output('total', results.carried[0]!)
    graph.output('history', results.collected[0]!)
    const feeds = { steps: new ort.Tensor('int64', [4n], []), x: floats([], 2) }
    expect(await run(graph, feeds)).toEqual({ total: [2 + 2 * (0 + 1 + 2 + 3)], history: [2, 2, 4, 8] })
  })
})
