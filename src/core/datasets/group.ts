/** Rows of one or several blocks sorted by bucket, so that each bucket's rows lie together and leave in one piece. */
export interface Grouping {
  /** Row i of a block goes to place[i] of the sorted rows; −1 when it is left out. */
  places: Int32Array[]
  /** Bucket b's rows lie from start[b] to start[b + 1]. */
  start: Int32Array
}

/** @param buckets  of each block's rows; `nowhere` leaves a row out */
export function groupRows(buckets: readonly Int32Array[], count: number, nowhere: number): Grouping {
  const start = new Int32Array(count + 1)
  for (const block of buckets)
    for (let i = 0; i < block.length; i++) if (block[i] !== nowhere) start[block[i]! + 1]!++
  for (let b = 0; b < count; b++) start[b + 1]! += start[b]!
  const next = start.slice()
  const places = buckets.map(block => {
    const place = new Int32Array(block.length)
    for (let i = 0; i < block.length; i++) place[i] = block[i] === nowhere ? -1 : next[block[i]!]!++
    return place
  })
  return { places, start }
}
