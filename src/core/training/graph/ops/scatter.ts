import { defineOp } from '../op.ts'
import { count, type Value } from '../value.ts'
import { cast } from './choose.ts'
import { reshape } from './layout.ts'
import { slice } from './slice.ts'
import { expand } from './sum.ts'

/**
 * Numbers that ONNX Runtime's CPU (1.30) adds in one ScatterND without dividing them among threads: its cost model does so
 * from 210,000 on (`ThreadPool::TryParallelFor`, one cycle each). Threads that meet in a row there write over each other's sums:
 * whole updates are lost, others in each run.
 */
const ALONE = 200_000

/** A target of this many numbers is copied by each ScatterND for longer than ScatterElements takes to add as many as `ALONE`. */
const LARGE = 16 * ALONE

/**
 * Adds rows to those of `target` that `indices` names, in their order, the same way whatever the number of threads:
 * target `[v, …]`, integers `[n]`, rows `[n, …]` → `[v, …]`. A row may be named several times.
 */
export function addRows(target: Value, indices: Value, rows: Value): Value {
  const n = count(indices.shape)
  const most = Math.max(1, Math.floor(ALONE / count(rows.shape.slice(1))))
  // Where threads are not the CPU's, their sums are their own affair: graphics cards add atomically.
  if (n <= most || target.graph.general) return addAtOnce(target, indices, rows)
  if (count(target.shape) > LARGE) return addElements(target, indices, rows)
  let sum = target
  for (let start = 0; start < n; start += most) {
    const part = { axis: 0, start, end: Math.min(n, start + most) }
    sum = addAtOnce(sum, slice(indices, part), slice(rows, part))
  }
  return sum
}

const addAtOnce = (target: Value, indices: Value, rows: Value): Value =>
  scatter(target, reshape(cast(indices, { to: 'i64' }), [count(indices.shape), 1]), rows)

/** One number after the other, by a single thread: ten times as long, and at most one copy of the target. */
function addElements(target: Value, indices: Value, rows: Value): Value {
  const n = count(indices.shape)
  const single = [n, ...rows.shape.slice(1).map(() => 1)]
  return scatterElements(target, expand(reshape(indices, single), rows.shape), rows)
}

const scatter = defineOp<3>({
  onnx: 'ScatterND',
  shape: ([x]) => x.shape,
  dtype: ([x]) => x.dtype,
  attributes: () => ({ reduction: 'add' }),
})

const scatterElements = defineOp<3>({
  onnx: 'ScatterElements',
  shape: ([x]) => x.shape,
  dtype: ([x]) => x.dtype,
  attributes: () => ({ axis: 0, reduction: 'add' }),
})
