import { withGradient } from '../custom.ts'
import { defineOp, type Op } from '../op.ts'
import { count, ShapeError, show, type Value } from '../value.ts'
import { add, div, mul, sqrt, sub } from './arithmetic.ts'
import { cast } from './choose.ts'
import { reshape } from './layout.ts'
import { reduceMean } from './reduce.ts'

/**
 * Normalises the last axis to mean 0 and variance 1, then scales it (Ba et al. 2016, arXiv 1607.06450). The operator
 * also gives `1/σ`, so the gradient needs no second look at the statistics.
 */
const standardise: Op<2, { epsilon: number }> = defineOp<2, { epsilon: number }>({
  onnx: 'LayerNormalization',
  shape: ([x]) => x.shape,
  attributes: ({ epsilon }) => ({ axis: -1, epsilon: { float: epsilon } }),
  others: ([x]) => {
    const statistic = { dtype: 'f32' as const, shape: x.shape.with(-1, 1) }
    return [statistic, statistic]
  },
  grad: (dy, _, { y, others: [, deviation] }) => {
    const along = { axes: [-1], keep: true }
    const centred = sub(dy, reduceMean(dy, along))
    return [
      mul(cast(deviation!, { to: y.dtype }), sub(centred, mul(y, reduceMean(mul(dy, y), along)))),
      undefined,
    ]
  },
})

/**
 * `(x − mean) / √(variance + ε) · weight + bias` over the last axis, as PyTorch's `nn.LayerNorm`.
 * @param bias  left out, nothing is added
 */
export function layerNorm(x: Value, weight: Value, bias: Value | undefined, epsilon = 1e-5): Value {
  checkLast(x, weight)
  const ones = x.graph.constant(
    x.dtype,
    weight.shape,
    new Float32Array(Number(weight.shape[0])).fill(1),
    'ones',
  )
  const scaled = mul(standardise(x, ones, { epsilon }), weight)
  return bias ? add(scaled, bias) : scaled
}

/**
 * Normalises each group of neighbouring channels of each image, then scales and shifts each channel, as PyTorch's
 * `nn.GroupNorm` (Wu and He 2018, arXiv 1803.08494): `[n, channels, …]`, `[channels]`, `[channels]`.
 */
export function groupNorm(x: Value, weight: Value, bias: Value, groups: number, epsilon = 1e-5): Value {
  const [n = 1, ...rest] = x.shape
  const channels = Number(rest[0])
  if (channels % groups !== 0 || weight.shape[0] !== channels || bias.shape[0] !== channels)
    throw new ShapeError(`a norm of ${show(x.shape)} in ${groups} groups with weights ${show(weight.shape)}`)
  const size = count(rest) / groups
  const ones = x.graph.shared(`ones ${size}`, () =>
    x.graph.constant(x.dtype, [size], new Float32Array(size).fill(1), 'ones'),
  )
  const unit = reshape(standardise(reshape(x, [n, groups, size]), ones, { epsilon }), x.shape)
  const perChannel = (value: Value) => reshape(value, [channels, ...rest.slice(1).map(() => 1)])
  return add(mul(unit, perChannel(weight)), perChannel(bias))
}

/** `x / √(mean x² + ε) · weight` over the last axis (Zhang and Sennrich 2019, arXiv 1910.07467), as Llama's. */
export function rmsNorm(x: Value, weight: Value, epsilon = 1e-5): Value {
  checkLast(x, weight)
  const along = { axes: [-1], keep: true }
  const inverse = div(1, sqrt(add(reduceMean(mul(x, x), along), epsilon)))
  const unit = withGradient(mul(x, inverse), [x], dy => [
    mul(inverse, sub(dy, mul(unit, reduceMean(mul(dy, unit), along)))),
  ])
  return mul(unit, weight)
}

function checkLast(x: Value, weight: Value): void {
  if (weight.shape.length !== 1 || weight.shape[0] !== x.shape.at(-1))
    throw new ShapeError(`a norm of ${show(x.shape)} with weights ${show(weight.shape)}`)
}
