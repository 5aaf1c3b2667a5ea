import {
  add,
  cast,
  count,
  div,
  type Graph,
  greater,
  mul,
  reshape,
  type Shape,
  type Value,
} from '../graph/index.ts'
import { columnWords, lastDropped, ROUNDS, STRIDES } from '../noise.ts'
import type { Net } from './net.ts'

/** Which rows of a batch go through the model, and the word of their step. */
export interface NoiseSource {
  /** i32 scalar, see `stepWord`. */
  word: Value
  /** i32 scalar: the place of the first of these rows in its batch; 0 when left out. */
  first?: Value
  rows: number
}

/**
 * Dropout (Srivastava et al. 2014) with masks that the graph computes from seed, step, place in the model and place of the
 * element (`noise.ts`): equal bits on every provider, in every replay, and for a batch in parts as for the whole.
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
    const { word, first, rows: inBatch } = this.#source
    const total = count(rows)
    const numbers = graph.root.shared(`dropout rows ${total}`, () => {
      const words = Int32Array.from({ length: total }, (_, i) => Math.imul(i, STRIDES.row))
      return graph.root.constant('i32', [total], words, 'dropout_rows')
    })
    const place = mixedIn(add(word, Math.imul(this.#places++, STRIDES.place)))
    const begin = first ? add(place, mul(first, Math.imul(total / inBatch, STRIDES.row))) : place
    return reshape(add(mul(mixedIn(add(numbers, begin)), 2), 1), [...rows, 1])
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

/** The word of one step. @param seed  i32 scalar, `seedWord` of the run's @param step  i64 scalar, of the job */
export const stepWord = (seed: Value, step: Value): Value => mixedIn(add(seed, cast(step, { to: 'i32' })))

const mixedIn = (word: Value): Value =>
  ROUNDS.reduce((h, { factor, divisor }) => {
    const product = mul(h, factor)
    return add(product, div(product, divisor))
  }, word)
