import { parameters, type TrainingSpec } from '../training/index.ts'
import { blocksOf, readBlock, withFiles } from './update-file.ts'

export interface Comparison {
  /** Every number of the update is finite. */
  finite: boolean
  /** Euclidean, over all tensors; null when not finite. */
  norm: number | null
  /** With each peer, in [−1, 1]; null where one of the two is zero or not finite. */
  cosines: Record<string, number | null>
}

/**
 * An update's norm and its cosines with others, block by block: one block of the update and one of a peer are in
 * memory, however many peers there are. All files must have been checked with `mismatch`.
 */
export async function compare(
  spec: TrainingSpec,
  update: string,
  peers: readonly { id: string; path: string }[] = [],
): Promise<Comparison> {
  return withFiles([update, ...peers.map(p => p.path)], async ([subject, ...others]) => {
    let squares = 0
    const sums = others.map(() => ({ dot: 0, squares: 0 }))
    for (const { name, shape } of parameters(spec))
      for (const block of blocksOf(name, shape)) {
        const mine = await readBlock(subject!, block)
        squares += dot(mine, mine)
        for (const [i, other] of others.entries()) {
          const theirs = await readBlock(other, block)
          sums[i]!.dot += dot(mine, theirs)
          sums[i]!.squares += dot(theirs, theirs)
        }
      }
    const cosine = (sum: { dot: number; squares: number }) =>
      finiteOrNull(sum.dot / Math.sqrt(squares) / Math.sqrt(sum.squares))
    return {
      finite: Number.isFinite(squares),
      norm: finiteOrNull(Math.sqrt(squares)),
      cosines: Object.fromEntries(peers.map(({ id }, i) => [id, cosine(sums[i]!)])),
    }
  })
}

/** A sum of squares is finite only if every number is: float32 squares do not overflow a double. */
function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

export const finiteOrNull = (x: number): number | null => (Number.isFinite(x) ? x : null)
