import { z } from 'zod'
import {
  add,
  fixed,
  type Graph,
  gatherElements,
  mul,
  pad,
  reduceSum,
  reshape,
  slice,
  sub,
  type Value,
} from '../graph/index.ts'
import { AUGMENTED } from '../noise.ts'
import { drawnIn, type NoiseSource } from './noise.ts'

/** What becomes of pictures while training, each time in a way of its own (He et al. 2016, section 4.2). */
export const augmentConfig = z.object({
  /** Every second one is seen as in a mirror, left for right. */
  flip: z.boolean().optional(),
  /** Pixels of zeros that are put around each, from which a part of the picture's own size is cut out: a shift. */
  crop: z.int().min(1).max(1023).optional(),
})
export type Augment = z.infer<typeof augmentConfig>

/** How many outcomes a draw has for each picture: mirrored or not, rows from above, columns from the left. */
export const outcomes = ({ flip, crop = 0 }: Augment): number[] => [flip ? 2 : 1, 2 * crop + 1, 2 * crop + 1]

/**
 * Pictures of a batch as they are learned from: `[n, channels, h, w]` of any type → the same. Each gets its own draws from
 * seed, step and row (`drawn`), and all its pixels are picked at once, by their indices in the framed picture.
 */
export function augmented(x: Value, augment: Augment, source: NoiseSource): Value {
  const { crop = 0 } = augment
  const [n = 1, channels = 1, h = 1, w = 1] = fixed(x.shape)
  const [high, wide] = [h + 2 * crop, w + 2 * crop]
  const { root } = x.graph
  return x.graph.scope('augment', () => {
    const draws = drawnIn(x.graph, source, AUGMENTED, outcomes(augment))
    // A mirrored row is read from its last pixel backwards.
    const ends = root.constant('i32', [3], [w - 1, wide, 1], 'strides')
    const first = reduceSum(mul(draws, ends), { axes: [1], keep: true })
    const mirrored = slice(draws, { axis: 1, start: 0, end: 1 })
    const across = mul(sub(1, mul(mirrored, 2)), places(root, [[w, 1]]))
    const rows = places(root, [
      [channels, high * wide],
      [h, wide],
    ])
    const begins = reshape(add(first, rows), [n, channels * h, 1])
    const indices = reshape(add(begins, reshape(across, [n, 1, w])), [n, channels * h * w])
    const picked = gatherElements(reshape(framed(x, crop), [n, channels * high * wide]), indices)
    return reshape(picked, [n, channels, h, w])
  })
}

/** Offsets of the elements of an array of these lengths, each axis with its stride, i32 in one axis. */
function places(root: Graph, axes: readonly (readonly [length: number, stride: number])[]): Value {
  const offsets = axes.reduce(
    (before, [length, stride]) => before.flatMap(at => Array.from({ length }, (_, i) => at + i * stride)),
    [0],
  )
  return root.constant('i32', [offsets.length], offsets, 'places')
}

/** With a border of zeros. */
function framed(x: Value, border: number): Value {
  if (border === 0) return x
  const amounts = { before: border, after: border }
  return pad(pad(x, { axis: 3, ...amounts }), { axis: 2, ...amounts })
}
