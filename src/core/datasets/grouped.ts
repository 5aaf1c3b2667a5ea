import type { TensorData } from '../training/index.ts'
import { groupRows } from './group.ts'
import type { ShardWriter } from './shards.ts'
import { NONE } from './split.ts'

/** Values of rows that lie one after another, `width` for each. */
export interface RowValues {
  values: TensorData
  width: number
}

/** Gives each row to the writer of its bucket. @param tensors  in the order of the shard's */
export async function pushGrouped(
  tensors: readonly RowValues[],
  buckets: Int32Array,
  writers: readonly ShardWriter[],
): Promise<void> {
  const { places, start } = groupRows([buckets], writers.length, NONE)
  await pushSorted(
    tensors.map(tensor => sortedRows(tensor, places[0]!)),
    start,
    writers,
  )
}

/** Gives rows that are sorted by bucket to their writers. @param start  bucket b's rows lie from start[b] to start[b + 1] */
export async function pushSorted(
  tensors: readonly RowValues[],
  start: Int32Array,
  writers: readonly ShardWriter[],
): Promise<void> {
  const pushed = writers.map((writer, bucket) => {
    const [from, to] = [start[bucket]!, start[bucket + 1]!]
    return to > from
      ? writer.push(...tensors.map(({ values, width }) => values.subarray(from * width, to * width)))
      : undefined
  })
  await Promise.all(pushed)
}

function sortedRows({ values, width }: RowValues, place: Int32Array): RowValues {
  const sorted = values.slice()
  for (let i = 0; i < place.length; i++) {
    // `set` is typed per element type; both are of the same array.
    if (place[i]! >= 0) sorted.set(values.subarray(i * width, (i + 1) * width) as never, place[i]! * width)
  }
  return { values: sorted, width }
}
