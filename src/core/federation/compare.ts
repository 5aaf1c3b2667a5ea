import { parameters, type TrainingSpec } from '../training/index.ts'
import { Sketcher } from './sketch.ts'
import { BlockReader, blocksOf, withFiles } from './update-file.ts'

export interface Comparison {
  /** Every number of the update is finite. */
  finite: boolean
  /** Euclidean, over all tensors; null when not finite. */
  norm: number | null
  /** With each peer, in [−1, 1]; null where one of the two is zero or not finite. 1: the same, up to rounding. */
  cosines: Record<string, number | null>
  /** See `Sketcher`; null without one, for an update that is zero or not finite too. */
  sketch: string | null
}

/** Of the norm: twice what the rounding of a half takes at most. */
const ROUNDING = 2 ** -10
/** The most for two updates that are not the same, however small the angle. */
const ALMOST = 1 - 2 ** -20

/**
 * An update's norm, its sketch, and its cosines with others. All files must have been checked with `mismatch`.
 * @param sketchSeed  the same for all updates of a job; without, no sketch is made
 */
export async function compare(
  spec: TrainingSpec,
  update: string,
  peers: readonly { id: string; path: string }[] = [],
  sketchSeed?: number,
): Promise<Comparison> {
  const sketcher = sketchSeed === undefined ? undefined : new Sketcher(sketchSeed)
  const paths = peers.map(p => p.path)
  const { squares, others } = await products(spec, update, paths, block => sketcher?.add(block))
  const cosine = (i: number): number | null => {
    const { dot, squares: theirs } = others[i]!
    return cosineFrom(dot, squares, theirs)
  }
  return {
    finite: Number.isFinite(squares),
    norm: finiteOrNull(Math.sqrt(squares)),
    cosines: Object.fromEntries(peers.map(({ id }, i) => [id, cosine(i)])),
    sketch: sketcher?.direction() ?? null,
  }
}

/** The cosine of two updates of which ⟨a, b⟩, ⟨a, a⟩ and ⟨b, b⟩ are known: 1 for the same, up to rounding. */
export function cosineFrom(dot: number, mine: number, theirs: number): number | null {
  if (mine - 2 * dot + theirs <= ROUNDING ** 2 * mine && dot > 0) return 1
  return finiteOrNull(Math.min(ALMOST, dot / Math.sqrt(mine) / Math.sqrt(theirs)))
}

/** How much of the movement `along` each update contains: ⟨u, along⟩ / ⟨along, along⟩; 1 for `along` itself. */
export async function projections(
  spec: TrainingSpec,
  along: string,
  updates: readonly string[],
): Promise<(number | null)[]> {
  const { squares, others } = await products(spec, along, updates)
  return others.map(({ dot }) => finiteOrNull(dot / squares))
}

/** Block by block: one block of the update and one of a peer are in memory, however many peers there are. */
async function products(
  spec: TrainingSpec,
  update: string,
  peers: readonly string[],
  look?: (block: Float32Array) => void,
) {
  return withFiles([update, ...peers], async ([subject, ...files]) => {
    const [reader, peer] = [new BlockReader(), new BlockReader()]
    let squares = 0
    const others = files.map(() => ({ dot: 0, squares: 0 }))
    for (const { name, shape } of parameters(spec))
      for (const block of blocksOf(name, shape)) {
        const mine = await reader.read(subject!, block)
        squares += dot(mine, mine)
        look?.(mine)
        for (const [i, file] of files.entries()) {
          const theirs = await peer.read(file, block)
          others[i]!.dot += dot(mine, theirs)
          others[i]!.squares += dot(theirs, theirs)
        }
      }
    return { squares, others }
  })
}

/** A sum of squares is finite only if every number is: float32 squares do not overflow a double. */
function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

export const finiteOrNull = (x: number): number | null => (Number.isFinite(x) ? x : null)
