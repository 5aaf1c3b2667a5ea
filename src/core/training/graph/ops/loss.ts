import { type DType, ShapeError, show, type Value } from '../value.ts'
import { mul, sub } from './arithmetic.ts'
import { cast } from './choose.ts'
import { reduceMean } from './reduce.ts'
import { logSoftmax } from './softmax.ts'
import { reduceSum } from './sum.ts'

/**
 * Mean cross-entropy of softmax(logits) with integer labels: `[n, classes]`, `[n]` → scalar, in nats.
 * ONNX has an operator for it, which ONNX Runtime takes apart into three times as many nodes.
 */
export function crossEntropy(logits: Value, labels: Value): Value {
  const [n, classes] = logits.shape
  if (logits.shape.length !== 2 || labels.shape.length !== 1 || labels.shape[0] !== n)
    throw new ShapeError(`a cross-entropy of ${show(logits.shape)} with labels ${show(labels.shape)}`)
  const truth = oneHot(labels, Number(classes), logits.dtype)
  return mul(reduceSum(mul(logSoftmax(logits), truth)), -1 / Number(n))
}

/** Mean of `(a − b)²` over all elements, as PyTorch's `MSELoss`. */
export function meanSquaredError(a: Value, b: Value): Value {
  const difference = sub(a, b)
  return reduceMean(mul(difference, difference))
}

/** `[n]` integer labels → `[n, classes]` rows with a single 1. */
export function oneHot(labels: Value, classes: number, dtype: DType = 'f32'): Value {
  const { graph } = labels
  const depth = graph.scalar(labels.dtype, classes)
  const offOn = graph.constant('f32', [2], [0, 1], 'off_on')
  const outputs = [{ dtype: 'f32' as const, shape: [...labels.shape, classes] }]
  const [rows] = graph.node({ type: 'OneHot', inputs: [labels, depth, offOn], outputs })
  if (!rows) throw new TypeError('OneHot has one result')
  // ONNX Runtime has OneHot for single precision only.
  return dtype === 'f32' ? rows : cast(rows, { to: dtype })
}
