/** One point of a curve: where it lies, and how high. */
export interface Point {
  x: number
  y: number
}

const BLOCKS = '▁▂▃▄▅▆▇█'

/**
 * A curve in one line of blocks: `width` columns, each the mean of its points, the highest a full block. Columns without a
 * point are blank.
 * @param last  x of the right edge
 */
export function sparkline(points: readonly Point[], last: number, width: number): string {
  const sums = Array.from({ length: width }, () => ({ sum: 0, count: 0 }))
  for (const { x, y } of points) {
    if (!Number.isFinite(y)) continue
    const column = sums[Math.min(width - 1, Math.max(0, Math.ceil((x / last) * width) - 1))]
    if (!column) continue
    column.sum += y
    column.count++
  }
  const means = sums.map(({ sum, count }) => (count > 0 ? sum / count : undefined))
  const known = means.filter(mean => mean !== undefined)
  const [least, most] = [Math.min(...known), Math.max(...known)]
  const span = most - least || 1
  return means
    .map(mean => (mean === undefined ? ' ' : BLOCKS[Math.min(7, Math.floor((8 * (mean - least)) / span))]))
    .join('')
    .trimEnd()
}
