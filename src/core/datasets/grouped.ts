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
  const { place, start } = groupRows(buckets, writers.length, NONE)
  const sorted = tensors.map(tensor => sortedRows(tensor, place))
  for (const [bucket, writer] of writers.entries()) {
    const [from, to] = [start[bucket]!, start[bucket + 1]!]
    if (to > from)
      await writer.push(...sorted.map(({ values, width }) => values.subarray(from * width, to * width)))
  }
}

function sortedRows({ values, width }: RowValues, place: Int32Array): RowValues {
  const sorted = values.slice()
  for (let i = 0; i < place.length; i++) {
    // `set` is typed per element type; both are of the same array.
    if (place[i]! >= 0) sorted.set(values.subarray(i * width, (i + 1) * width) as never, place[i]! * width)
  }
  return { values: sorted, width }
}
