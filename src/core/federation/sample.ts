const GOLDEN = (Math.sqrt(5) - 1) / 2

/**
 * Rows to measure on: at most `most` of `rows`, evenly spaced from an offset drawn from the seed. Every row is equally
 * likely, and as shards are shuffled when they are made, this is a fair sample; which one, the provider cannot know.
 */
export function sampleRows(rows: number, most: number, seed: number): number[] {
  if (rows <= most) return Array.from({ length: rows }, (_, i) => i)
  const stride = rows / most
  const offset = ((seed * GOLDEN) % 1) * stride
  return Array.from({ length: most }, (_, i) => Math.floor(offset + i * stride))
}
