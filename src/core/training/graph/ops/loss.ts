import { defineOp } from '../op.ts'
import { type DType, fixed, ShapeError, show, type Value } from '../value.ts'
import { div, exp, mul, sub } from './arithmetic.ts'
import { cast } from './choose.ts'
import { reduceMean } from './reduce.ts'

/**
 * Mean cross-entropy of softmax(logits) with integer labels: `[n, classes]`, `[n]` → scalar, in nats.
 * @see https://onnx.ai/onnx/operators/onnx__SoftmaxCrossEntropyLoss.html
 */
export const crossEntropy = defineOp<2>({
  onnx: 'SoftmaxCrossEntropyLoss',
  shape: ([logits, labels]) => {
    if (logits.shape.length !== 2 || labels.shape.length !== 1 || labels.shape[0] !== logits.shape[0])
      throw new ShapeError(`a cross-entropy of ${show(logits.shape)} with labels ${show(labels.shape)}`)
    return []
  },
  dtype: ([logits]) => logits.dtype,
  saved: ([logits]) => [logits.shape],
  grad: (dy, [logits, labels], { saved: [logProbabilities] }) => {
    const [n = 1, classes = 1] = fixed(logits.shape)
    if (!logProbabilities) throw new TypeError('log-probabilities were not kept')
    const excess = sub(exp(logProbabilities), oneHot(labels, classes, logits.dtype))
    return [mul(excess, div(dy, n)), undefined]
  },
})

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
