import {
  add,
  cast,
  count,
  type Graph,
  greater,
  mul,
  reshape,
  type Shape,
  type Value,
} from '../graph/index.ts'
import { columnWords, lastDropped } from '../noise.ts'
import type { Net } from './net.ts'
import { type NoiseSource, wordsOf } from './noise.ts'

/**
 * Dropout (Srivastava et al. 2014) with masks that the graph computes from seed, step, place in the model and place of the
 * element (`dropoutMask`).
 */
export class Dropout {
  readonly #source: NoiseSource
  readonly #p: number
  #places = 0

  constructor(source: NoiseSource, p: number) {
    this.#source = source
    this.#p = p
  }

  /** Words of a new place's rows, `[…rows, 1]`: whole rows of the batch first. */
  rows(graph: Graph, rows: Shape): Value {
    const words = wordsOf(graph, this.#source, this.#places++, count(rows))
    return reshape(add(mul(words, 2), 1), [...rows, 1])
  }

  /** `[…rows, columns]`: 0 where an element is dropped, else `1 / (1 − p)`. @param rows  as `rows` gave them */
  mask(rows: Value, columns: number): Value {
    const { root } = rows.graph
    const words = root.shared(`dropout columns ${columns}`, () =>
      root.constant('i32', [columns], columnWords(columns), 'dropout_columns'),
    )
    const kept = greater(mul(rows, words), lastDropped(this.#p))
    return mul(cast(kept, { to: 'f32' }), 1 / (1 - this.#p))
  }
}

/** `x` with some elements dropped while training, where the spec asks for it. */
export function dropped({ dropout }: Net, x: Value): Value {
  if (!dropout) return x
  return x.graph.scope('dropout', () => {
    const rows = dropout.rows(x.graph, x.shape.slice(0, -1))
    return mul(x, dropout.mask(rows, Number(x.shape.at(-1))))
  })
}

/** How attention `[n, heads, T, …]` drops weights while training. */
export function dropping({ dropout }: Net, q: Value) {
  if (!dropout) return undefined
  return {
    rows: dropout.rows(q.graph, q.shape.slice(0, -1)),
    mask: (rows: Value, columns: number) => dropout.mask(rows, columns),
  }
}
