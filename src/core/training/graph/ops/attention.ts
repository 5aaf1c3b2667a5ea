import { withGradient } from '../custom.ts'
import { fixed, ShapeError, show, type Value } from '../value.ts'
import { add, mul, sub } from './arithmetic.ts'
import { transpose } from './layout.ts'
import { matmul } from './matmul.ts'
import { softmax } from './softmax.ts'
import { reduceSum } from './sum.ts'

/**
 * Scaled dot-product attention in which a position sees itself and those before it (Vaswani et al. 2017,
 * arXiv 1706.03762): `softmax(q · kᵀ / √d + mask) · v`, each `[batch, heads, positions, d]`. Its own gradient takes the
 * sum of softmax's gradient over `d` instead of over all positions.
 */
export function causalAttention(q: Value, k: Value, v: Value): Value {
  const [positions = 0, d = 1] = fixed(q.shape.slice(-2))
  if (show(q.shape) !== show(k.shape) || show(q.shape) !== show(v.shape))
    throw new ShapeError(`attention of ${show(q.shape)}, ${show(k.shape)} and ${show(v.shape)}`)
  const scale = 1 / Math.sqrt(d)
  const asked = mul(q, scale)
  const weights = softmax(add(matmul(asked, transpose(k)), causalMask(q, positions)))
  const y = matmul(weights, v)
  return withGradient(y, [q, k, v], dy => {
    const dweights = matmul(dy, transpose(v))
    const dscores = mul(weights, sub(dweights, reduceSum(mul(dy, y), { axes: [-1], keep: true })))
    return [mul(matmul(dscores, k), scale), matmul(transpose(dscores), asked), matmul(transpose(weights), dy)]
  })
}

/** `[positions, positions]`: 0 where row i may look at column j ≤ i, else so much less that softmax gives 0. */
function causalMask({ graph, dtype }: Value, positions: number): Value {
  const mask = Float32Array.from({ length: positions * positions }, (_, i) =>
    i % positions > Math.floor(i / positions) ? -1e9 : 0,
  )
  return graph.root.shared(`causal ${dtype} ${positions}`, () =>
    graph.root.constant(dtype, [positions, positions], mask, 'causal_mask'),
  )
}
