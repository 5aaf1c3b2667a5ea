import {
  add,
  concat,
  fixed,
  type Graph,
  matmul,
  mul,
  reshape,
  softmax,
  split,
  transpose,
  type Value,
} from '../graph/index.ts'

/** How a model of text reads on in one text: what its layers need to know of the tokens before. */
export interface Reading {
  /** `[n]` i32: the place of each new token in the text, from 0. */
  readonly positions: Value
  /**
   * Attention of new tokens to those before and to each other: `softmax(q · kᵀ / √d + mask) · v`.
   * @param layer  by whose name its keys and values are remembered
   * @param q  `[1, heads, n, d]`
   * @param k  `[1, groups, n, d]`, as v: several heads may share a group's keys and values (Ainslie et al. 2023)
   */
  attend(layer: string, q: Value, k: Value, v: Value): Value
}

/** Keys and values of one layer. */
export interface Remembered {
  layer: string
  /** `[1, groups, n, d]` of the new tokens. */
  keys: Value
  values: Value
}

/**
 * A reading whose earlier keys and values come in as inputs of the graph: for each layer `past/LAYER/keys` and `…/values`
 * `[1, groups, room, d]`, besides `positions` `[n]` i32 and `mask` `[n, room + n]`, 0 where a token may look and −1e9 where
 * not. They are never outputs: a cache that leaves the graph again would be copied whole for every token.
 * @param room  tokens that the cache holds; with 0 there are no inputs of it, and the new tokens see each other only
 * @returns the reading, and what was new in each layer once the model is built
 */
export function cachedReading(graph: Graph, n: number, room: number) {
  const positions = graph.input('positions', 'i32', [n])
  const mask = graph.input('mask', 'f32', [n, room + n])
  const remembered: Remembered[] = []
  const reading: Reading = {
    positions,
    attend(layer, q, keys, values) {
      const [, groups = 1, , d = 1] = fixed(keys.shape)
      const past = (what: string) => graph.input(`past/${layer}/${what}`, 'f32', [1, groups, room, d])
      remembered.push({ layer, keys, values })
      const before = room > 0 ? [{ keys: past('keys'), values: past('values') }] : []
      return attention(q, [...before, { keys, values }], mask)
    },
  }
  return { reading, remembered }
}

/** Scores over all parts are joined, never the parts themselves, for these are large. */
function attention(q: Value, parts: Pick<Remembered, 'keys' | 'values'>[], mask: Value): Value {
  const [, heads = 1, n = 1, d = 1] = fixed(q.shape)
  const sizes = parts.map(({ keys }) => Number(keys.shape[2]))
  const all = sizes.reduce((sum, size) => sum + size, 0)
  const groups = Number(parts[0]?.keys.shape[1])
  // Heads of one group ask as if they were more tokens: keys and values need not be repeated.
  const shared = heads / groups
  const asked = reshape(mul(q, 1 / Math.sqrt(d)), [1, groups, shared * n, d])
  const scores = concat(
    parts.map(({ keys }) => matmul(asked, transpose(keys))),
    -1,
  )
  const masked = add(reshape(scores, [groups, shared, n, all]), mask)
  const weights = split(reshape(softmax(masked), [1, groups, shared * n, all]), sizes, -1)
  const [first, ...rest] = parts.map(({ values }, i) => matmul(weights[i]!, values)) // a weight for each part
  return reshape(
    rest.reduce((sum, seen) => add(sum, seen), first!),
    [1, heads, n, d],
  )
}
