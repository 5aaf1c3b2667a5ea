import type { Graph } from '../graph.ts'
import { reshape, transpose } from '../ops/layout.ts'
import { matmul } from '../ops/matmul.ts'
import { pick } from '../ops/pick.ts'
import { reduceMax } from '../ops/reduce.ts'
import { fixed, type Value } from '../value.ts'
import { inChunks } from './chunks.ts'
import {
  edge,
  halved,
  points,
  pooledPixels,
  resultPixels,
  type Tiling,
  tileCount,
  tilePixels,
} from './tiles.ts'
import { filtering, kronecker, type Matrix } from './toom-cook.ts'

/**
 * A "same" convolution with stride 1 by Winograd's minimal filtering, F(m×m, k×k): per tile of m² results
 * (m + k − 1)² products for each pair of channels instead of m² · k². `[n, in, h, w]`, `[out, in, k, k]` →
 * `[n, out, h, w]`, or, `pooled`, the largest of every 2×2 of them, `[n, out, ⌊h/2⌋, ⌊w/2⌋]`.
 */
export function winograd(x: Value, w: Value, m: number, pooled: boolean): Value {
  const weights = transformed(w, m)
  return inChunks(x, part => {
    const [pictures, inputs, height, width] = fixed(part.shape) as [number, number, number, number]
    const tiling = { pictures, image: [height, width], kernel: Number(w.shape[2]), m } as const
    const pixels = reshape(transpose(part, [0, 2, 3, 1]), [pictures * height * width, inputs])
    const products = multiplied(pixels, weights, tiling)
    const results = pooled ? pooledResults(products, tiling) : plainResults(products, tiling)
    const image = pooled ? halved([height, width]) : [height, width]
    return transpose(reshape(results, [pictures, ...image, Number(w.shape[0])]), [0, 3, 1, 2])
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

/** `[edge², tiles, out]` → `[pictures · h · w, out]` */
function plainResults(products: Value, t: Tiling): Value {
  const outputs = Number(products.shape[2])
  const map = matrix(products.graph, `winograd output ${t.m} ${t.kernel}`, () => outputMatrix(t))
  const results = matmul(map, reshape(products, [edge(t) ** 2, tileCount(t) * outputs]))
  const rows = reshape(results, [t.m ** 2 * tileCount(t), outputs])
  return pick(rows, { name: `pixels of ${nameOf(t)}`, rows: resultPixels(t) })
}

/**
 * The same, pooled. The four results of each 2×2 are far apart and equal places of them together: a maximum over the
 * first axis then compares long runs of memory.
 */
function pooledResults(products: Value, t: Tiling): Value {
  const [outputs, quarter] = [Number(products.shape[2]), t.m ** 2 / 4]
  const map = matrix(products.graph, `winograd pooled ${t.m} ${t.kernel}`, () => {
    const whole = outputMatrix(t)
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
function transformed(w: Value, m: number): Value {
  const [outputs, inputs, kernel] = fixed(w.shape) as [number, number, number]
  const flat = reshape(transpose(w, [2, 3, 1, 0]), [kernel ** 2, inputs * outputs])
  const map = matrix(w.graph, `winograd kernel ${m} ${kernel}`, () => {
    const { kernel: g } = filtering(m, kernel)
    return kronecker(g, g)
  })
  return reshape(matmul(map, flat), [(m + kernel - 1) ** 2, inputs, outputs])
}

function outputMatrix(t: Tiling): Matrix {
  const { output } = filtering(t.m, t.kernel)
  return kronecker(output, output)
}

const matrix = (graph: Graph, name: string, make: () => Matrix): Value =>
  graph.shared(name, () => {
    const rows = make()
    return graph.constant('f32', [rows.length, rows[0]?.length ?? 0], rows.flat(), name)
  })
