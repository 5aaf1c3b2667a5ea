import { withGradient } from '../custom.ts'
import type { Graph } from '../graph.ts'
import { type DType, ShapeError, show, type Value } from '../value.ts'
import { add, mul, neg, sub } from './arithmetic.ts'
import { concat, split } from './slice.ts'

/** Cosines and sines of the angles by which positions turn, each `[positions, d / 2]`. */
export interface Rotation {
  cos: Value
  sin: Value
}

/**
 * Rotary position embedding (Su et al. 2021, arXiv 2104.09864) of `[…, positions, d]`: pairs of numbers are turned by
 * angles that grow with the position. Numbers `i` and `i + d / 2` are a pair, as in Hugging Face's Llama (the paper's and
 * Meta's own files pair neighbours). The gradient is turned back.
 */
export function rotary(x: Value, { cos, sin }: Rotation): Value {
  const half = Number(x.shape.at(-1)) / 2
  if (cos.shape.at(-1) !== half) throw new ShapeError(`${show(cos.shape)} angles for ${show(x.shape)}`)
  return withGradient(turned(x, cos, sin, half), [x], dy => [turned(dy, cos, neg(sin), half)])
}

function turned(x: Value, cos: Value, sin: Value, half: number): Value {
  const [a, b] = split(x, [half, half], -1)
  return concat([sub(mul(a!, cos), mul(b!, sin)), add(mul(b!, cos), mul(a!, sin))], -1)
}

/**
 * The rotation of positions 0, 1, …, made once for a graph.
 * @param frequencies  radians per position, of each pair
 */
export function rotationOf(
  graph: Graph,
  dtype: DType,
  positions: number,
  frequencies: readonly number[],
): Rotation {
  const { root } = graph
  const table = (name: 'cos' | 'sin') =>
    root.shared(`${name} ${dtype} ${positions} ${frequencies}`, () => {
      const values = Float64Array.from({ length: positions * frequencies.length }, (_, i) =>
        Math[name](Math.floor(i / frequencies.length) * (frequencies[i % frequencies.length] ?? 0)),
      )
      return root.constant(dtype, [positions, frequencies.length], values, `rotary_${name}`)
    })
  return { cos: table('cos'), sin: table('sin') }
}
