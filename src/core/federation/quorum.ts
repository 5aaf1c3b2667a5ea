/** Median absolute deviations that a late provider is waited for. */
const PATIENCE = 5

/**
 * When the round closes without those that are still missing: median + k · MAD of the arrival times, bounded by the
 * deadline. The MAD counts as at least a tenth of the median, so that two arrivals in the same second do
 * not shut the door on the third.
 * @param arrivals  seconds from the round's event to each update's arrival, in any order; at least one
 * @param deadline  on the same clock
 * @returns seconds on the same clock
 */
export function quorumAt(arrivals: readonly number[], deadline: number, patience = PATIENCE): number {
  if (arrivals.length === 0) return deadline
  const middle = median(arrivals)
  const spread = Math.max(median(arrivals.map(t => Math.abs(t - middle))), middle / 10)
  return Math.min(middle + patience * spread, deadline)
}

/** The mean of the two middle values when their number is even; NaN of nothing. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const upper = sorted[sorted.length >> 1] ?? Number.NaN
  return sorted.length % 2 ? upper : (upper + (sorted[(sorted.length >> 1) - 1] ?? Number.NaN)) / 2
}
