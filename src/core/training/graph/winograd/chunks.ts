import { concat, split } from '../ops/slice.ts'
import type { Value } from '../value.ts'
import { range } from './toom-cook.ts'

/** Few enough that what is computed in between stays in the processor's cache, enough to fill its cores. */
const PICTURES = 8

/** `work` on a few pictures at a time: `[n, …]` → `[n, …]`. */
export function inChunks(x: Value, work: (pictures: Value) => Value): Value {
  const n = Number(x.shape[0])
  const chunks = Math.ceil(n / PICTURES)
  if (chunks === 1) return work(x)
  // As equal as possible: chunks of one size share their tables.
  const sizes = range(chunks).map(i => Math.floor(((i + 1) * n) / chunks) - Math.floor((i * n) / chunks))
  return concat(split(x, sizes, 0).map(work), 0)
}
