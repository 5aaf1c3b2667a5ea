import { add, cast, div, type Graph, mul, reshape, sub, type Value } from '../graph/index.ts'
import { ROUNDS, STRIDES } from '../noise.ts'

// The words of `../noise.ts` as the graph computes them: equal bits on every provider, in every replay, and for a batch
// in parts as for the whole.

/** Which rows of a batch go through the model, and the word of their step. */
export interface NoiseSource {
  /** i32 scalar, see `stepWord`. */
  word: Value
  /** i32 scalar: the place of the first of these rows in its batch; 0 when left out. */
  first?: Value
  rows: number
}

/** The word of one step. @param seed  i32 scalar, `seedWord` of the run's @param step  i64 scalar, of the job */
export const stepWord = (seed: Value, step: Value): Value => mixedIn(add(seed, cast(step, { to: 'i32' })))

/**
 * A word for each of `total` elements, equally many of each row: i32 `[total]`.
 * @param graph  where they are used @param place  which of the model's; see `Place`
 */
export function wordsOf(
  graph: Graph,
  { word, first, rows }: NoiseSource,
  place: number,
  total: number,
): Value {
  const numbers = graph.root.shared(`noise rows ${total}`, () => {
    const words = Int32Array.from({ length: total }, (_, i) => Math.imul(i, STRIDES.row))
    return graph.root.constant('i32', [total], words, 'noise_rows')
  })
  const at = mixedIn(add(word, Math.imul(place, STRIDES.place)))
  const begin = first ? add(at, mul(first, Math.imul(total / rows, STRIDES.row))) : at
  return mixedIn(add(numbers, begin))
}

/** `drawn` of `../noise.ts`: whole numbers below each of `sizes`, of their own in each row, i32 `[rows, sizes]`. */
export function drawnIn(graph: Graph, source: NoiseSource, place: number, sizes: readonly number[]): Value {
  const words = wordsOf(graph, source, place, source.rows * sizes.length)
  const positive = add(div(reshape(words, [source.rows, sizes.length]), 2), 2 ** 30)
  const below = graph.root.constant('i32', [sizes.length], sizes, 'sizes')
  return sub(positive, mul(div(positive, below), below))
}

const mixedIn = (word: Value): Value =>
  ROUNDS.reduce((h, { factor, divisor }) => {
    const product = mul(h, factor)
    return add(product, div(product, divisor))
  }, word)
