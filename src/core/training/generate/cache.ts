import { toOrt } from '../feeds.ts'
import type { Feeds } from '../session.ts'
import { f32 } from '../tensor.ts'
import type { CachedLayer } from './reading-graph.ts'

/** Keys and values of the tokens of one text, for every layer: `[1, groups, room, d]` each, filled from the front. */
export class Cache {
  readonly #layers: readonly CachedLayer[]
  readonly #room: number
  readonly #kept = new Map<string, Float32Array>()
  /** What goes into the graph, over the same memory. */
  readonly feeds: Feeds = {}

  constructor(layers: readonly CachedLayer[], room: number) {
    this.#layers = layers
    this.#room = room
    for (const { layer, groups, d } of layers)
      for (const what of ['keys', 'values']) {
        const data = new Float32Array(groups * room * d)
        this.#kept.set(`${layer}/${what}`, data)
        this.feeds[`past/${layer}/${what}`] = toOrt(f32([1, groups, room, d], data))
      }
  }

  /** @param results  `new/LAYER/…` `[1, groups, n, d]`, of which the first `count` tokens go to place `at` and after it */
  store(results: Feeds, at: number, count: number): void {
    for (const { layer, groups, d } of this.#layers)
      for (const what of ['keys', 'values']) {
        const fresh = results[`new/${layer}/${what}`]?.data as Float32Array // our graph's own output
        const kept = this.#kept.get(`${layer}/${what}`)! // made for every layer
        const n = fresh.length / (groups * d)
        for (let group = 0; group < groups; group++)
          kept.set(fresh.subarray(group * n * d, (group * n + count) * d), (group * this.#room + at) * d)
      }
  }
}
