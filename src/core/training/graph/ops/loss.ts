import { withGradient } from '../custom.ts'
import { count, type DType, type Operand, ShapeError, show, type Value } from '../value.ts'
import { add, div, exp, mul, neg, sub } from './arithmetic.ts'
import { cast, greater, where } from './choose.ts'
import { reshape } from './layout.ts'
import { logSoftmax } from './softmax.ts'
import { reduceSum } from './sum.ts'

export interface CrossEntropyOptions {
  /** Labels may be −1: such a row counts for nothing. */
  masked?: boolean
  /** ε of label smoothing (Szegedy et al. 2015, arXiv 1512.00567): so much of each label is spread over all classes. */
  smoothing?: number
  /** A weight for each class; the mean is then taken over the weights of the rows' labels, as PyTorch does. */
  classWeights?: readonly number[]
}

/** What a mean is made of, apart: parts of a batch can be added up before the division. */
export interface Total {
  sum: Value
  count: Operand
}

export const mean = ({ sum, count }: Total): Value =>
  typeof count === 'number' ? mul(sum, 1 / count) : div(sum, count)

/**
 * Cross-entropy of softmax(logits) with integer labels: `[n, classes]`, `[n]` → a total over rows, in nats.
 * ONNX has an operator for it, which ONNX Runtime takes apart into three times as many nodes.
 */
export function crossEntropy(logits: Value, labels: Value, options: CrossEntropyOptions = {}): Total {
  const [n, classes] = logits.shape
  if (logits.shape.length !== 2 || labels.shape.length !== 1 || labels.shape[0] !== n)
    throw new ShapeError(`a cross-entropy of ${show(logits.shape)} with labels ${show(labels.shape)}`)
  const { targets, rows } = targetsOf(logits, labels, Number(classes), options)
  const logarithms = logSoftmax(logits)
  const sum = withGradient(neg(reduceSum(mul(logarithms, targets))), [logits], dy => {
    const chances = exp(logarithms)
    const expected = rows ? mul(chances, reduceSum(targets, { axes: [-1], keep: true })) : chances
    return [mul(sub(expected, targets), dy)]
  })
  return { sum, count: rows ? reduceSum(rows) : Number(n) }
}

/** `targets` `[n, classes]`; `rows` `[n, 1]`: how much each row counts, absent when all count 1. */
function targetsOf(logits: Value, labels: Value, classes: number, options: CrossEntropyOptions) {
  const { masked = false, smoothing = 0, classWeights } = options
  const { graph, dtype } = logits
  const known = masked ? greater(labels, -1) : undefined
  const hot = oneHot(known ? where(known, labels, 0) : labels, classes, dtype)
  const spread = smoothing === 0 ? hot : add(mul(hot, 1 - smoothing), smoothing / classes)
  const valid = known && reshape(cast(known, { to: dtype }), [Number(labels.shape[0]), 1])
  if (!classWeights) return { targets: valid ? mul(spread, valid) : spread, rows: valid }
  const weights = graph.constant(dtype, [classes], classWeights, 'class_weights')
  const own = reduceSum(mul(hot, weights), { axes: [-1], keep: true })
  const weighted = mul(spread, weights)
  return { targets: valid ? mul(weighted, valid) : weighted, rows: valid ? mul(own, valid) : own }
}

/** `(a − b)²` as a total over all elements; its mean is PyTorch's `MSELoss`. */
export function squaredError(a: Value, b: Value): Total {
  const difference = sub(a, b)
  return { sum: reduceSum(mul(difference, difference)), count: count(difference.shape) }
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
