import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { describe, it } from 'vitest'
import {
  add,
  cast,
  causalAttention,
  concat,
  cos,
  count,
  crossEntropy,
  dense,
  div,
  equal,
  exp,
  expand,
  gather,
  gelu,
  geluTanh,
  greater,
  layerNorm,
  less,
  log,
  logSoftmax,
  matmul,
  matmulTransposed,
  mean,
  mul,
  neg,
  pad,
  pow,
  reduceMax,
  reduceMean,
  reduceSum,
  reduceSumSquare,
  relu,
  reshape,
  rmsNorm,
  rotary,
  rotationOf,
  sigmoid,
  silu,
  sin,
  slice,
  softmax,
  split,
  sqrt,
  squaredError,
  sub,
  tanh,
  transpose,
  type Value,
  where,
} from './index.ts'
import { type Case, judge, judgeByPeer, judgeSingle, tf } from './judges.test-support.ts'
import { broadcast } from './value.ts'

const size = fc.integer({ min: 1, max: 3 })
const shape = (minLength: number, maxLength = 3) => fc.array(size, { minLength, maxLength })

const list = <T>(of: fc.Arbitrary<T>, length: number) =>
  fc.array(of, { minLength: length, maxLength: length })

/** Two shapes that broadcast to a common one: axes dropped from the front, others set to 1. */
const pair = fc
  .tuple(shape(0), list(fc.boolean(), 6), fc.nat(3), fc.nat(3))
  .map(([full, flags, dropA, dropB]) => {
    const narrow = (drop: number, ones: boolean[]) =>
      full.slice(Math.min(drop, full.length)).map((d, i) => (ones[i] ? 1 : d))
    return [narrow(dropA, flags.slice(0, 3)), narrow(dropB, flags.slice(3))]
  })

const unary = (ours: Case['ours'], peer: Case['peer'], values?: Case['values']) =>
  shape(0).map((s): Case => ({ shapes: [s], ours, peer, values }))
const binary = (ours: Case['ours'], peer: Case['peer'], values?: Case['values']) =>
  pair.map((shapes): Case => ({ shapes, ours, peer, values }))

const withAxis = (ours: (x: Value, axis: number) => Value, peer: (x: Tensor, axis: number) => Tensor) =>
  shape(1).chain(s =>
    fc
      .integer({ min: -s.length, max: s.length - 1 })
      .map((axis): Case => ({ shapes: [s], ours: x => ours(x!, axis), peer: x => peer(x!, axis) })),
  )

/** `work` with the axis moved to the end and back: some of TensorFlow's functions know only the last axis. */
function atEnd(work: (x: Tensor) => Tensor): (x: Tensor, axis: number) => Tensor {
  return (x, axis) => {
    const order = x.shape.map((_, i) => i)
    const at = (axis + order.length) % order.length
    const swapped = order.with(at, order.length - 1).with(order.length - 1, at)
    return tf.transpose(work(tf.transpose(x, swapped)), swapped)
  }
}

/** A copy that TensorFlow does not differentiate: it refuses comparisons of what it does. */
const still = (x: Tensor): Tensor => tf.tensor(Array.from(x.dataSync()), x.shape)

const labelled = fc.tuple(size, fc.integer({ min: 2, max: 4 }), list(fc.nat(3), 3))
const both =
  (ours: (a: Value, b: Value) => Value): Case['ours'] =>
  (a, b) =>
    ours(a!, b!)
const bothTf =
  (peer: (a: Tensor, b: Tensor) => Tensor): Case['peer'] =>
  (a, b) =>
    peer(a!, b!)
const one =
  (ours: (a: Value) => Value): Case['ours'] =>
  a =>
    ours(a!)
const oneTf =
  (peer: (a: Tensor) => Tensor): Case['peer'] =>
  a =>
    peer(a!)

const cases: Record<string, fc.Arbitrary<Case>> = {
  add: binary(both(add), bothTf(tf.add)),
  sub: binary(both(sub), bothTf(tf.sub)),
  mul: binary(both(mul), bothTf(tf.mul)),
  div: binary(both(div), bothTf(tf.div)),
  pow: binary(both(pow), bothTf(tf.pow), 'positive'),
  neg: unary(one(neg), oneTf(tf.neg)),
  exp: unary(one(exp), oneTf(tf.exp)),
  log: unary(one(log), oneTf(tf.log), 'positive'),
  sqrt: unary(one(sqrt), oneTf(tf.sqrt), 'positive'),
  relu: unary(one(relu), oneTf(tf.relu)),
  sigmoid: unary(one(sigmoid), oneTf(tf.sigmoid)),
  cos: unary(one(cos), oneTf(tf.cos)),
  sin: unary(one(sin), oneTf(tf.sin)),
  tanh: unary(one(tanh), oneTf(tf.tanh)),
  'where and greater': binary(
    both((a, b) => where(greater(a, b), a, mul(b, 3))),
    bothTf((a, b) =>
      tf.where(
        tf.greater(still(a), still(b)),
        tf.add(a, tf.zerosLike(b)),
        tf.mul(tf.add(b, tf.zerosLike(a)), 3),
      ),
    ),
  ),
  'where and less': unary(
    one(a => where(less(a, 0), mul(a, a), a)),
    oneTf(a => tf.where(tf.less(still(a), 0), tf.mul(a, a), a)),
  ),
  'cast and equal': unary(
    one(a => mul(a, cast(equal(a, a), { to: a.dtype }))),
    oneTf(a => tf.mul(a, tf.cast(tf.equal(still(a), still(a)), 'float32'))),
  ),
  matmul: fc.tuple(pair, size, size, size).map(
    ([[a, b], m, k, n]): Case => ({
      shapes: [
        [...a!.slice(-1), m, k],
        [...b!.slice(-1), k, n],
      ],
      ours: both(matmul),
      peer: bothTf((x, y) => {
        // TensorFlow multiplies batches that broadcast, but differentiates only equal ones.
        const batch = broadcast(x.shape.slice(0, -2), y.shape.slice(0, -2)).map(Number)
        const to = (t: Tensor) => [...batch, ...t.shape.slice(-2)] as [number, number] // typed as two axes
        const full = (t: Tensor): Tensor2D => tf.broadcastTo(t, to(t))
        return tf.matMul(full(x), full(y))
      }),
    }),
  ),
  dense: fc.tuple(size, size, size).map(
    ([n, k, m]): Case => ({
      shapes: [[n, k], [m, k], [m]],
      ours: (x, w, b) => dense(x!, w!, b!),
      peer: (x, w, b) => tf.add(tf.matMul(x as Tensor2D, w as Tensor2D, false, true), b!),
    }),
  ),
  'dense without bias': fc.tuple(size, size, size).map(
    ([n, k, m]): Case => ({
      shapes: [
        [n, k],
        [m, k],
      ],
      ours: both(matmulTransposed),
      peer: bothTf((x, w) => tf.matMul(x as Tensor2D, w as Tensor2D, false, true)),
    }),
  ),
  rotary: fc.tuple(shape(0, 2), size, size).map(([lead, positions, half]): Case => {
    const rates = Array.from({ length: half }, (_, i) => 0.7 / (i + 1))
    // Each position by a matrix that turns pairs.
    const turns = Array.from({ length: positions }, (_, t) =>
      Array.from({ length: 2 * half }, (_, to) =>
        Array.from({ length: 2 * half }, (_, from) => {
          if (to % half !== from % half) return 0
          const angle = t * rates[to % half]!
          return to === from ? Math.cos(angle) : Math.sin(angle) * Math.sign(to - from)
        }),
      ),
    )
    return {
      shapes: [[...lead, positions, 2 * half]],
      ours: one(x => rotary(x, rotationOf(x.graph, x.dtype, positions, rates))),
      peer: oneTf(x => tf.sum(tf.mul(tf.expandDims(x, -2), tf.tensor3d(turns)), -1)),
    }
  }),
  reshape: shape(1).map(
    (s): Case => ({
      shapes: [s],
      ours: x => mul(reshape(x!, [count(s), 1]), 2),
      peer: x => tf.mul(tf.reshape(x!, [-1, 1]), 2),
    }),
  ),
  transpose: shape(2).chain(s =>
    fc.shuffledSubarray([0, 1, 2].slice(0, s.length), { minLength: s.length }).map(
      (order): Case => ({
        shapes: [s],
        ours: x => transpose(x!, order),
        peer: x => tf.transpose(x!, order),
      }),
    ),
  ),
  expand: shape(1, 2).map(
    (s): Case => ({
      shapes: [[1, ...s]],
      ours: x => expand(x!, [3, ...s]),
      peer: x => tf.broadcastTo(x!, [3, ...s]),
    }),
  ),
  gather: fc.tuple(shape(1), shape(1, 2), fc.nat(2), list(fc.nat(2), 9)).map(([s, picks, a, drawn]): Case => {
    const axis = a % s.length
    const indices = drawn.slice(0, count(picks)).map(index => index % s[axis]!)
    return {
      shapes: [s],
      ours: x => gather(x!, x!.graph.constant(a % 2 ? 'i64' : 'i32', picks, indices), { axis }),
      peer: x => tf.gather(x!, tf.tensor(indices, picks, 'int32'), axis),
    }
  }),
  'reduceSum over one axis': withAxis(
    (x, axis) => reduceSum(x, { axes: [axis], keep: true }),
    (x, axis) => tf.sum(x, axis, true),
  ),
  'reduceSumSquare over one axis': withAxis(
    (x, axis) => reduceSumSquare(x, { axes: [axis] }),
    (x, axis) => tf.sum(tf.square(x), axis),
  ),
  'reduceMean over one axis': withAxis(
    (x, axis) => reduceMean(x, { axes: [axis] }),
    (x, axis) => tf.mean(x, axis),
  ),
  'reduceMax over one axis': withAxis(
    (x, axis) => reduceMax(x, { axes: [axis] }),
    (x, axis) => tf.max(x, axis),
  ),
  'reduceMean over everything': unary(one(reduceMean), oneTf(tf.mean)),
  softmax: withAxis((x, axis) => softmax(x, { axis }), atEnd(tf.softmax)),
  logSoftmax: withAxis((x, axis) => logSoftmax(x, { axis }), atEnd(tf.logSoftmax)),
  crossEntropy: labelled.map(([n, classes, drawn]): Case => {
    const labels = drawn.slice(0, n).map(label => label % classes)
    return {
      shapes: [[n, classes]],
      ours: x => mean(crossEntropy(x!, x!.graph.constant('i32', [n], labels))),
      peer: x => tf.losses.softmaxCrossEntropy(tf.oneHot(labels, classes), x!),
    }
  }),
  squaredError: shape(1).map(
    (s): Case => ({
      shapes: [s, s],
      ours: both((a, b) => mean(squaredError(a, b))),
      peer: bothTf((a, b) => tf.mean(tf.squaredDifference(a, b))),
    }),
  ),
  'crossEntropy, weighted, smoothed and masked': labelled.map(([n, classes, drawn]): Case => {
    const labels = drawn.slice(0, n).map(label => label % classes)
    const masked = [...labels, -1]
    const classWeights = Array.from({ length: classes }, (_, i) => 0.5 + i)
    const rows = tf.tensor2d(labels.map(label => classWeights.map(w => w / classWeights[label]!)))
    return {
      shapes: [[n + 1, classes]],
      ours: x => {
        const y = x!.graph.constant('i32', [n + 1], masked)
        return mean(crossEntropy(x!, y, { masked: true, smoothing: 0.2, classWeights }))
      },
      peer: x => {
        // PyTorch's formula: Σ wₖ·tₖ·−log pₖ over Σ of the weights of the labels.
        const kept = tf.slice(x!, [0, 0], [n, classes])
        const targets = tf.add(tf.mul(tf.oneHot(labels, classes), 0.8), 0.2 / classes)
        const total = labels.reduce((sum, label) => sum + classWeights[label]!, 0)
        const own = tf.mul(rows, tf.tensor2d(labels.map(label => [classWeights[label]!])))
        return tf.div(tf.neg(tf.sum(tf.mul(tf.mul(targets, own), tf.logSoftmax(kept)))), total)
      },
    }
  }),
  geluTanh: unary(
    one(geluTanh),
    oneTf(x => {
      const inner = tf.mul(tf.add(x, tf.mul(tf.mul(x, tf.mul(x, x)), 0.044715)), Math.sqrt(2 / Math.PI))
      return tf.mul(tf.mul(x, 0.5), tf.add(tf.tanh(inner), 1))
    }),
  ),
  silu: unary(
    one(silu),
    oneTf(x => tf.mul(x, tf.sigmoid(x))),
  ),
  layerNorm: shape(0, 2).chain(lead =>
    fc.integer({ min: 2, max: 4 }).map((width): Case => {
      const centred = (x: Tensor) => tf.sub(x, tf.mean(x, -1, true))
      return {
        shapes: [[...lead, width], [width], [width]],
        ours: (x, w, b) => layerNorm(x!, w!, b!, 0.01),
        peer: (x, w, b) => {
          const deviation = tf.sqrt(tf.add(tf.mean(tf.square(centred(x!)), -1, true), 0.01))
          return tf.add(tf.mul(tf.div(centred(x!), deviation), w!), b!)
        },
      }
    }),
  ),
  rmsNorm: shape(1, 3).map(
    (s): Case => ({
      shapes: [s, s.slice(-1)],
      ours: (x, w) => rmsNorm(x!, w!, 0.01),
      peer: (x, w) => tf.mul(tf.div(x!, tf.sqrt(tf.add(tf.mean(tf.mul(x!, x!), -1, true), 0.01))), w!),
    }),
  ),
  causalAttention: fc.tuple(size, size, size, size).map(([b, h, t, d]) => attention(b, h, t, d)),
  slice: withAxis(
    (x, axis) => slice(concat([x, x], axis), { axis, start: 1, end: Number(x.shape.at(axis)) + 1 }),
    (x, axis) => {
      const at = (axis + x.shape.length) % x.shape.length
      const begin = x.shape.map((_, i) => (i === at ? 1 : 0))
      return tf.slice(tf.concat([x, x], at), begin, x.shape)
    },
  ),
  pad: withAxis(
    (x, axis) => mul(pad(x, { axis, before: 1, after: 2 }), 2),
    (x, axis) => {
      const at = (axis + x.shape.length) % x.shape.length
      return tf.mul(
        tf.pad(
          x,
          x.shape.map((_, i): [number, number] => (i === at ? [1, 2] : [0, 0])),
        ),
        2,
      )
    },
  ),
  'concat of different uses': withAxis(
    (x, axis) => concat([x, mul(x, x), mul(x, 3)], axis),
    (x, axis) => tf.concat([x, tf.mul(x, x), tf.mul(x, 3)], (axis + x.shape.length) % x.shape.length),
  ),
  'split, one part of it unused': shape(1).map(
    (s): Case => ({
      shapes: [[6, ...s]],
      ours: x => {
        const [a, , c] = split(x!, [1, 3, 2], 0)
        return add(mul(a!, a!), c!)
      },
      peer: x => {
        const from = (start: number, size: number) => tf.slice(x!, [start, ...s.map(() => 0)], [size, ...s])
        return tf.add(tf.square(from(0, 1)), from(4, 2))
      },
    }),
  ),
  'a sum of uses of one value': unary(
    one(a => add(mul(a, sigmoid(a)), sub(a, mul(a, a)))),
    oneTf(a => tf.add(tf.mul(a, tf.sigmoid(a)), tf.sub(a, tf.mul(a, a)))),
  ),
}

describe('the gradient of', () => {
  it.each(Object.entries(cases))(
    '%s agrees with central differences and with TensorFlow.js',
    (_, arbitrary) => fc.assert(fc.asyncProperty(arbitrary, fc.nat(), judge), { numRuns: 8 }),
  )

  it('gelu, whose error function comes in single precision only, agrees with wider differences', async () => {
    const cases = unary(
      one(gelu),
      oneTf(x => tf.mul(x, tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5))),
    )
    const property = fc.asyncProperty(cases, fc.nat(), (op, seed) => judgeSingle(op, seed, 2 ** -7))
    await fc.assert(property, { numRuns: 8 })
  })

  // What long matrices and single precision alone are computed by.
  it.each<[string, Case]>([
    ['a product of many rows with a weight that narrows', product([300, 5], [5, 2])],
    ['a product of many rows with a weight that widens', product([300, 2], [2, 5])],
    ['attention over many positions', attention(2, 2, 128, 3)],
  ])('%s agrees with TensorFlow.js', (_, op) => judgeByPeer(op, 7))
})

/** Both operands and the result scaled. */
function product(...shapes: [[number, number], [number, number]]): Case {
  return {
    shapes,
    ours: (x, w) => mul(matmul(mul(x!, 0.5), mul(w!, 0.3)), 0.7),
    peer: (x, w) => tf.mul(tf.matMul(x as Tensor2D, w as Tensor2D), 0.5 * 0.3 * 0.7),
  }
}

function attention(b: number, h: number, t: number, d: number): Case {
  const mask = Array.from({ length: t }, (_, i) => Array.from({ length: t }, (_, j) => (j > i ? -1e9 : 0)))
  return {
    shapes: [
      [b, h, t, d],
      [b, h, t, d],
      [b, h, t, d],
    ],
    ours: (q, k, v) => causalAttention(q!, k!, v!),
    peer: (q, k, v) => {
      const scores = tf.mul(tf.matMul(q as Tensor2D, k as Tensor2D, false, true), 1 / Math.sqrt(d))
      return tf.matMul(tf.softmax(tf.add(scores, tf.tensor2d(mask))) as Tensor2D, v as Tensor2D)
    },
  }
}
