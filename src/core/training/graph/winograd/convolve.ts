import type { Graph } from '../graph.ts'
import { reshape, transpose } from '../ops/layout.ts'
import { matmul } from '../ops/matmul.ts'
import { pick } from '../ops/pick.ts'
import { reduceMax } from '../ops/reduce.ts'
import { fixed, type Value } from '../value.ts'
import { inChunks } from './chunks.ts'
import { edge, halved, points, pooledPixels, type Tiling, tileCount, tilePixels } from './tiles.ts'
import { filtering, kronecker, type Matrix } from './toom-cook.ts'

/** Results of a tile along each axis. Even, so that no 2×2 lies in two tiles. */
const M = 4

/**
 * A "same" convolution with stride 1 and the largest of every 2×2 of its results, by Winograd's minimal filtering,
 * F(4×4, k×k): for 16 results (k + 3)² products per pair of channels instead of 16 · k². `[n, in, h, w]`,
 * `[out, in, k, k]` → `[n, out, ⌊h/2⌋, ⌊w/2⌋]`. Without pooling it was no faster than the general way (3×3, ResNet-20).
 */
export function winograd(x: Value, w: Value): Value {
  const weights = transformed(w)
  return inChunks(x, part => {
    const [pictures, inputs, height, width] = fixed(part.shape) as [number, number, number, number]
    const tiling: Tiling = { pictures, image: [height, width], kernel: Number(w.shape[2]), m: M }
    const pixels = reshape(transpose(part, [0, 2, 3, 1]), [pictures * height * width, inputs])
    const results = pooledResults(multiplied(pixels, weights, tiling), tiling)
    const shape = [pictures, ...halved([height, width]), Number(w.shape[0])]
    return transpose(reshape(results, shape), [0, 3, 1, 2])
  })
}

const nameOf = (t: Tiling): string => `${t.pictures} of ${t.image.join('x')} by ${t.m} and ${t.kernel}`

/** `[pictures · h · w, in]`, `[edge², in, out]` → `[edge², tiles, out]` */
function multiplied(pixels: Value, weights: Value, t: Tiling): Value {
  const [points, tiles, inputs] = [edge(t) ** 2, tileCount(t), Number(pixels.shape[1])]
  const seen = pick(pixels, { name: `tiles of ${nameOf(t)}`, rows: tilePixels(t), idle: tiles - 1 })
  const map = matrix(pixels.graph, `winograd input ${t.m} ${t.kernel}`, () => {
    const { input } = filtering(t.m, t.kernel)
    return kronecker(input, input)
  })
  const changed = matmul(map, reshape(seen, [points, tiles * inputs]))
  return matmul(reshape(changed, [points, tiles, inputs]), weights)
}

/**
 * `[edge², tiles, out]` → `[pictures · ⌊h/2⌋ · ⌊w/2⌋, out]`. The four results of each 2×2 are far apart and equal places
 * of them together: a maximum over the first axis then compares long runs of memory.
 */
function pooledResults(products: Value, t: Tiling): Value {
  const [outputs, quarter] = [Number(products.shape[2]), t.m ** 2 / 4]
  const map = matrix(products.graph, `winograd pooled ${t.m} ${t.kernel}`, () => {
    const { output } = filtering(t.m, t.kernel)
    const whole = kronecker(output, output)
    return points(2).flatMap(([p, q]) =>
      points(t.m / 2).map(([i, j]) => whole[(2 * i + p) * t.m + 2 * j + q] ?? []),
    )
  })
  const results = matmul(map, reshape(products, [edge(t) ** 2, tileCount(t) * outputs]))
  const largest = reduceMax(reshape(results, [4, quarter * tileCount(t) * outputs]), { axes: [0] })
  const rows = reshape(largest, [quarter * tileCount(t), outputs])
  return pick(rows, { name: `pooled of ${nameOf(t)}`, rows: pooledPixels(t) })
}

/** `[out, in, k, k]` → `[edge², in, out]` */
function transformed(w: Value): Value {
  const [outputs, inputs, kernel] = fixed(w.shape) as [number, number, number]
  const flat = reshape(transpose(w, [2, 3, 1, 0]), [kernel ** 2, inputs * outputs])
  const map = matrix(w.graph, `winograd kernel ${M} ${kernel}`, () => {
    const { kernel: g } = filtering(M, kernel)
    return kronecker(g, g)
  })
  return reshape(matmul(map, flat), [(M + kernel - 1) ** 2, inputs, outputs])
}

const matrix = (graph: Graph, name: string, make: () => Matrix): Value =>
  graph.shared(name, () => {
    const rows = make()
    return graph.constant('f32', [rows.length, rows[0]?.length ?? 0], rows.flat(), name)
  })
