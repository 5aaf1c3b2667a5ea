import { describe, expect, it } from 'vitest'
import { add, Graph, loop, matmul, mul, reshape } from '../graph/index.ts'
import type { TrainingSpec } from '../spec.ts'
import { Arena } from './arena.ts'
import { RUNTIME, trainingMemory } from './estimate.ts'
import { lifetimes } from './lifetimes.ts'
import { measuredMemory } from './measured.test-support.ts'
import { executionOrder } from './order.ts'
import { microBatchFor } from './parts.ts'
import { patternBytes } from './pattern.ts'
import { MemoryRun } from './run.ts'

const KB = 2 ** 10
const MB = 2 ** 20

const adamw: TrainingSpec['optimizer'] = {
  name: 'adamw',
  ...{ learningRate: 1e-3, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0.1, clip: 1 },
}
const gpt: TrainingSpec = {
  recipe: 'gpt',
  model: {
    ...{ vocabulary: 65, context: 64, width: 128, layers: 2, heads: 4 },
    bias: false,
    activation: 'gelu',
  },
  task: 'language',
  batch: 24,
  optimizer: adamw,
}
const adapted: TrainingSpec = {
  recipe: 'llama',
  model: {
    ...{ vocabulary: 2048, context: 32, width: 512, layers: 4, heads: 8, keyValueHeads: 8, hidden: 1024 },
    ...{ epsilon: 1e-5, theta: 10_000, tied: true },
  },
  task: 'language',
  adapter: { rank: 4, alpha: 8, targets: ['q_proj'], base: 'f16' },
  batch: 2,
  optimizer: adamw,
}
const pictures: TrainingSpec = {
  recipe: 'cnn',
  model: { image: [3, 32, 32], channels: [16, 32], kernel: 3, hidden: [64], outputs: 10 },
  task: 'classification',
  input: { dtype: 'u8', scale: 1 / 255, shift: 0 },
  batch: 64,
  dropout: 0.5,
  augment: { flip: true, crop: 4 },
  optimizer: adamw,
}

describe('the memory of a training run', () => {
  const jobs: [string, TrainingSpec, number][] = [
    ['a transformer', gpt, gpt.batch],
    ['a transformer whose batch comes in parts', gpt, 4],
    ['a convolutional network whose pictures are augmented', pictures, pictures.batch],
    ['adapters, whose base is made wide matrix by matrix', adapted, adapted.batch],
  ]
  it.each(jobs)('is foreseen: %s', async (_, spec, microBatch) => {
    const measured = await measuredMemory({ spec, rows: 200, steps: 6, microBatch, threads: 1 })
    expect(measured).toBeGreaterThan(20 * MB)
    const ratio = trainingMemory(spec, 200, { microBatch }).process / measured
    expect(ratio).toBeGreaterThan(0.7)
    expect(ratio).toBeLessThan(1.35)
  })

  it('has room for the largest parts that fit, and none where one row does not', () => {
    const needed = (microBatch: number) => RUNTIME + trainingMemory(gpt, 200, { microBatch }).process
    const within = (process: number) => microBatchFor(gpt, 200, { process, card: null })
    expect(within(needed(24))).toBe(24)
    expect(within(needed(24) - 1)).toBe(12)
    expect(within(needed(3))).toBe(3)
    expect(within(needed(1) - 1)).toBeUndefined()
  })

  it('is asked of a graphics card where one computes', () => {
    const { process, card } = trainingMemory(gpt, 200, { engine: 'webgpu' })
    expect(trainingMemory(gpt, 200).card).toBe(0)
    expect(card).toBeGreaterThan(process)
    const room = { process: 10 * RUNTIME, card: card - 1 }
    expect(microBatchFor(gpt, 200, room, 'webgpu')).toBe(12)
    expect(microBatchFor(gpt, 200, { ...room, card: null }, 'webgpu')).toBe(24)
    // TensorFlow.js takes no parts.
    expect(microBatchFor(gpt, 200, room, 'tfjs')).toBeUndefined()
  })

  it('are thought out once, though a provider asks in every round', () => {
    const asked = (times: number, rows: number) => {
      const start = performance.now()
      for (let i = 0; i < times; i++) microBatchFor(gpt, rows, { process: 2 ** 40, card: null })
      return performance.now() - start
    }
    const first = asked(1, 4321)
    expect(asked(20, 4321)).toBeLessThan(first)
  })
})

describe('a run of nothing but memory', () => {
  /** Four results of 1 kB, each needed by the next alone; the last is handed out. */
  function chain(graph = new Graph()): Graph {
    let x = graph.input('x', 'f32', [256])
    for (let i = 0; i < 3; i++) x = reshape(add(x, 1), [16, 16])
    graph.output('y', mul(x, 2))
    return graph
  }

  it('holds a result until its last use, and a reshaped one not twice', () => {
    const moments = lifetimes(chain())
    expect(moments.flatMap(({ made }) => made.map(({ bytes }) => bytes))).toEqual([KB, KB, KB, KB])
    expect(moments.at(-1)).toMatchObject({ made: [{ output: true }], dead: [{ bytes: KB }] })
    expect(patternBytes(moments)).toBe(2 * KB)
  })

  it('runs nodes depth first from the last that nobody needs', () => {
    const graph = new Graph()
    const x = graph.input('x', 'f32', [2, 2])
    const [left, right] = [add(x, 1), mul(x, x)]
    graph.output('product', matmul(left, right))
    graph.output('sum', add(right, 3))
    expect(executionOrder(graph).map(({ type }) => type)).toEqual(['Mul', 'Add', 'Add', 'MatMul'])
    expect(executionOrder(graph).map(({ outputs: [y] }) => y?.name)).toEqual(['Mul', 'sum', 'Add', 'product'])
  })

  it('keeps what a loop carries twice, and its body’s block from the second turn on', () => {
    const graph = new Graph()
    const steps = graph.input('steps', 'i64', [])
    const start = graph.input('start', 'f32', [MB])
    const { carried } = loop(steps, [{ name: 'w', start }], [], 'steps', (_, __, [w]) => ({
      next: [add(mul(mul(w!, 2), 3), 1)],
      collect: [],
    }))
    graph.output('end', carried[0]!)
    const touched = (placed: boolean) => {
      const run = new MemoryRun(placed)
      run.run(graph)
      return run.touched / (4 * MB)
    }
    // The turn before's result, and two at a time of this one's; placed, the products have a block of their own.
    expect(touched(false)).toBeCloseTo(3, 1)
    expect(touched(true)).toBeCloseTo(4, 1)
  })
})

describe('the arena', () => {
  it('gives freed memory again, joined with what is free beside it', () => {
    const arena = new Arena()
    const [a, b, c] = [300 * KB, 300 * KB, 300 * KB].map(bytes => arena.allocate(bytes))
    const before = arena.touched
    arena.free(a!)
    arena.free(b!)
    const again = arena.allocate(600 * KB)
    expect(again.at).toBe(a!.at)
    arena.free(c!)
    expect(arena.touched).toBe(before)
  })

  it('cuts a block only where half would be wasted', () => {
    const arena = new Arena()
    const [a, kept] = [arena.allocate(100 * KB), arena.allocate(KB)]
    arena.free(a)
    expect(arena.allocate(60 * KB).at).toBe(a.at)
    expect(arena.allocate(40 * KB).at).toBeGreaterThan(kept.at)
  })
})
