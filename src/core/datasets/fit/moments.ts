/** Sums over numbers, from which mean and standard deviation follow. */
export interface Sums {
  count: number
  missing: number
  /** The first number: sums of differences from it do not cancel where sums of squares would. */
  shift: number
  sum: number
  squares: number
}

export const noSums = (): Sums => ({ count: 0, missing: 0, shift: Number.NaN, sum: 0, squares: 0 })

/**
 * Adds the rows of the shards; NaN is missing.
 * @param buckets  rows of bucket 0, the holdout, and of none are not looked at
 */
export function addTo(sums: Sums, values: Float64Array | Int32Array, buckets: Int32Array): void {
  let { count, missing, shift, sum, squares } = sums
  for (let i = 0; i < buckets.length; i++) {
    if (buckets[i]! <= 0) continue
    const value = values[i]!
    if (Number.isNaN(value)) {
      missing++
      continue
    }
    if (count === 0) shift = value
    const difference = value - shift
    count++
    sum += difference
    squares += difference * difference
  }
  Object.assign(sums, { count, missing, shift, sum, squares })
}

export interface Moments {
  mean: number
  /** Standard deviation; 1 for a constant, so that it can be divided by. */
  scale: number
  /** Part of the rows without a value. */
  missing: number
}

export function momentsOf({ count, missing, shift, sum, squares }: Sums): Moments {
  const part = missing / Math.max(1, missing + count)
  if (count === 0) return { mean: 0, scale: 1, missing: part }
  const offset = sum / count
  const mean = shift + offset
  const deviation = Math.sqrt(Math.max(0, squares / count - offset * offset))
  const usable = deviation > Math.abs(mean) * 1e-12 && Number.isFinite(deviation)
  return { mean, scale: usable ? deviation : 1, missing: part }
}
