import type { Scalar, Tensor } from '@tensorflow/tfjs-core'
import { expect } from 'vitest'
import { permutation } from '../batches.ts'
import { ort } from '../onnxruntime.ts'
import { seeded } from '../random.ts'
import { count, encodeModel, Graph, gradients, mul, reduceSum, type Value } from './index.ts'
import { loadTensorFlow } from './tensorflow.test-support.ts'

// Every gradient against two judges: central differences of our own forward graph, and TensorFlow.js, an independent
// implementation, in single precision.

export const tf = loadTensorFlow()

/** An operation on operands of some shapes, as we and as TensorFlow.js compute it. */
export interface Case {
  shapes: number[][]
  /** Which operands to draw: ±[0.1, 2] when left out, [0.3, 2], or numbers that are at least 1/16 apart. */
  values?: 'positive' | 'apart' | undefined
  ours: (...x: Value[]) => Value
  peer: (...x: Tensor[]) => Tensor
}

/** Both judges, central differences in double precision. @throws AssertionError */
export async function judge(op: Case, seed: number): Promise<void> {
  const values = draw(op.shapes, op.values, seed)
  const double = await compile(op, 'f64')
  const { slopes } = await double.run(values)
  expectClose(slopes, await centralDifferences(async v => (await double.run(v)).loss, values, 1e-5), 1e-6)
  await double.release()
  const single = await compile(op, 'f32')
  const mine = await single.run(values)
  await single.release()
  expectClose(mine.slopes, peerSlopes(op, values, single.weights, single.y.shape.map(Number)), 1e-4)
}

/**
 * Both judges in single precision, for operations that ONNX Runtime's CPU does not have in double. They must be linear
 * in each single number as far as `reach`, so that rounding is all that is wrong with the differences.
 */
export async function judgeSingle(op: Case, seed: number, reach: number): Promise<void> {
  const values = draw(op.shapes, op.values, seed)
  const { run, release, weights, y } = await compile(op, 'f32')
  const { slopes } = await run(values)
  expectClose(slopes, await centralDifferences(async v => (await run(v)).loss, values, reach), 2e-3)
  expectClose(slopes, peerSlopes(op, values, weights, y.shape.map(Number)), 1e-4)
  await release()
}

/** TensorFlow.js alone, for whole models: they are no longer linear in any single number. */
export async function judgeByPeer(op: Case, seed: number): Promise<void> {
  const values = draw(op.shapes, op.values, seed)
  const { run, release, weights, y } = await compile(op, 'f32')
  const { slopes } = await run(values)
  await release()
  expectClose(slopes, peerSlopes(op, values, weights, y.shape.map(Number)), 1e-4)
}

/** Values a float32 holds exactly, so that both judges see the same ones. */
export function draw(shapes: number[][], kind: Case['values'], seed: number): number[][] {
  const random = seeded(seed)
  return shapes.map((s, operand) => {
    const size = count(s)
    if (kind === 'apart') return Array.from(permutation(size, seed, operand), i => (i - size / 2) / 16)
    return Array.from({ length: size }, () => {
      const magnitude = Math.fround((kind === 'positive' ? 0.3 : 0.1) + 1.7 * random.float())
      return kind === 'positive' || random.float() < 0.5 ? magnitude : -magnitude
    })
  })
}

/** `Σ y · r` with fixed random `r`, and its gradients, as a function of the operands. */
export async function compile({ shapes, ours }: Pick<Case, 'shapes' | 'ours'>, dtype: 'f32' | 'f64') {
  const graph = new Graph()
  const operands = shapes.map((s, i) => graph.input(`x${i}`, dtype, s))
  const y = ours(...operands)
  const [weights = []] = draw([y.shape.map(Number)], undefined, 99)
  const loss = reduceSum(mul(y, graph.constant(dtype, y.shape, weights)))
  const slopes = gradients(loss, operands)
  graph.output('loss', loss)
  for (const [i, slope] of slopes.entries()) graph.output(`slope${i}`, slope)
  const session = await ort.InferenceSession.create(encodeModel(graph), {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
  })
  const run = async (values: number[][]) => {
    const tensors = values.map((v, i) =>
      dtype === 'f32'
        ? new ort.Tensor('float32', Float32Array.from(v), shapes[i]!)
        : new ort.Tensor('float64', Float64Array.from(v), shapes[i]!),
    )
    const results = await session.run(Object.fromEntries(tensors.map((t, i) => [`x${i}`, t])))
    const numbers = (name: string) => Array.from(results[name]!.data as Float32Array) // ours give floats only
    return { loss: numbers('loss')[0]!, slopes: slopes.map((_, i) => numbers(`slope${i}`)) }
  }
  return { run, weights, y, graph, release: () => session.release() }
}

async function centralDifferences(
  loss: (values: number[][]) => Promise<number>,
  values: number[][],
  reach: number,
) {
  const slopes = values.map(v => v.slice())
  for (const [i, operand] of values.entries())
    for (const [j, x] of operand.entries()) {
      const at = (moved: number) => loss(values.with(i, operand.with(j, moved)))
      slopes[i]![j] = ((await at(x + reach)) - (await at(x - reach))) / (2 * reach)
    }
  return slopes
}

function peerSlopes(
  { shapes, peer }: Case,
  values: number[][],
  weights: number[],
  yShape: number[],
): number[][] {
  return tf.tidy(() => {
    const r = tf.tensor(weights, yShape)
    const operands = values.map((v, i) => tf.tensor(v, shapes[i]!))
    const loss = (...x: Tensor[]) => tf.sum(tf.mul(peer(...x), r)) as Scalar // a sum over everything is one
    return tf
      .grads(loss)(operands)
      .map(g => Array.from(g.dataSync()))
  })
}

export function expectClose(found: number[][], expected: number[][], tolerance: number): void {
  for (const [i, values] of expected.entries()) {
    expect(found[i]).toHaveLength(values.length)
    for (const [j, value] of values.entries())
      expect(Math.abs(found[i]![j]! - value)).toBeLessThan(tolerance * (1 + Math.abs(value)))
  }
}
