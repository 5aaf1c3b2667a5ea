/**
 * Sorts the rows of one block by bucket, so that each bucket's rows lie together and leave in one piece.
 */
export interface Grouping {
  /** Row i of the block goes to place[i] of the sorted block; −1 when it is left out. */
  place: Int32Array
  /** Bucket b's rows lie from start[b] to start[b + 1]. */
  start: Int32Array
}

/** @param buckets  bucket of each row; `nowhere` leaves it out */
export function groupRows(buckets: ArrayLike<number>, count: number, nowhere: number): Grouping {
  const start = new Int32Array(count + 1)
  for (let i = 0; i < buckets.length; i++) {
    const bucket = buckets[i]!
    if (bucket !== nowhere) start[bucket + 1]!++
  }
  for (let b = 0; b < count; b++) start[b + 1]! += start[b]!
  const next = start.slice()
  const place = new Int32Array(buckets.length)
  for (let i = 0; i < buckets.length; i++) {
    const bucket = buckets[i]!
    place[i] = bucket === nowhere ? -1 : next[bucket]!++
  }
  return { place, start }
}
