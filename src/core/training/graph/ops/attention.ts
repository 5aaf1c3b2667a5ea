import { withGradient } from '../custom.ts'
import { fixed, ShapeError, show, type Value } from '../value.ts'
import { add, mul, sub } from './arithmetic.ts'
import { transpose } from './layout.ts'
import { matmul } from './matmul.ts'
import { concat, slice } from './slice.ts'
import { softmax } from './softmax.ts'
import { reduceSum } from './sum.ts'

/** Positions from which on the two halves attend by themselves. */
const LONG = 128

/**
 * Scaled dot-product attention in which a position sees itself and those before it (Vaswani et al. 2017,
 * arXiv 1706.03762): `softmax(q · kᵀ / √d + mask) · v`, each `[batch, heads, positions, d]`. Its own gradient takes the
 * sum of softmax's gradient over `d` instead of over all positions.
 */
export function causalAttention(q: Value, k: Value, v: Value, dropping?: Dropping): Value {
  if (show(q.shape) !== show(k.shape) || show(q.shape) !== show(v.shape))
    throw new ShapeError(`attention of ${show(q.shape)}, ${show(k.shape)} and ${show(v.shape)}`)
  const parts = rangesOf(q).map(range => attended(q, k, v, range, dropping))
  const y =
    parts.length === 1
      ? parts[0]!.y
      : concat(
          parts.map(part => part.y),
          POSITIONS,
        )
  return withGradient(y, [q, k, v], dy => {
    const slopes = parts.map(part => part.grad(rowsOf(dy, part)))
    const dq = slopes.map(slope => slope.dq)
    return [
      dq.length === 1 ? dq[0] : concat(dq, POSITIONS),
      ...(['dk', 'dv'] as const).map(name => overlaid(slopes.map(slope => slope[name]))),
    ]
  })
}

/** Which of the weights count, and how much; see `Dropout`. */
interface Dropping {
  /** `[batch, heads, positions, 1]` */
  rows: Value
  /** `[…, 1]` → `[…, columns]` */
  mask(rows: Value, columns: number): Value
}

const POSITIONS = 2

/** Some positions that ask, `[start, end)`; they see all before `end`. */
interface Range {
  start: number
  end: number
}

/** All positions, or halves: the first never looks at the second's keys, a quarter of all products. */
function rangesOf({ shape, graph }: Value): Range[] {
  const [positions = 0] = fixed(shape.slice(POSITIONS))
  const half = positions / 2
  if (graph.general || positions < LONG || !Number.isInteger(half)) return [{ start: 0, end: positions }]
  return [
    { start: 0, end: half },
    { start: half, end: positions },
  ]
}

const rowsOf = (x: Value, { start, end }: Range): Value =>
  start === 0 && end === x.shape[POSITIONS] ? x : slice(x, { axis: POSITIONS, start, end })

/** What the positions of a range find, and the gradients of their queries and of all keys and values they see. */
function attended(allQ: Value, allK: Value, allV: Value, range: Range, dropping: Dropping | undefined) {
  const { start, end } = range
  const seen = { start: 0, end }
  const [q, k, v] = [rowsOf(allQ, range), rowsOf(allK, seen), rowsOf(allV, seen)]
  const scale = 1 / Math.sqrt(Number(q.shape[3]))
  const asked = mul(q, scale)
  const weights = softmax(add(matmul(asked, transpose(k)), causalMask(q, range)))
  const mask = dropping?.mask(rowsOf(dropping.rows, range), end)
  const masked = (x: Value) => (mask ? mul(x, mask) : x)
  const counted = masked(weights)
  const y = matmul(counted, v)
  const grad = (dy: Value) => {
    const dweights = masked(matmul(dy, transpose(v)))
    const dscores = mul(weights, sub(dweights, reduceSum(mul(dy, y), { axes: [-1], keep: true })))
    return {
      dq: mul(matmul(dscores, k), scale),
      dk: matmul(transpose(dscores), asked),
      dv: matmul(transpose(counted), dy),
    }
  }
  return { start, end, y, grad }
}

/** Sums gradients that all begin at position 0 and end at different ones, the longest last. */
function overlaid(slopes: Value[]): Value {
  return slopes.reduce((shorter, longer) => {
    const end = Number(shorter.shape[POSITIONS])
    const rest = slice(longer, { axis: POSITIONS, start: end, end: Number(longer.shape[POSITIONS]) })
    return concat([add(shorter, rowsOf(longer, { start: 0, end })), rest], POSITIONS)
  })
}

/** `[end − start, end]`: 0 where position `start + i` may look at `j`, else so much less that softmax gives 0. */
function causalMask({ graph, dtype }: Value, { start, end }: Range): Value {
  const mask = Float32Array.from({ length: (end - start) * end }, (_, i) =>
    i % end > start + Math.floor(i / end) ? -1e9 : 0,
  )
  return graph.root.shared(`causal ${dtype} ${start} ${end}`, () =>
    graph.root.constant(dtype, [end - start, end], mask, 'causal_mask'),
  )
}
