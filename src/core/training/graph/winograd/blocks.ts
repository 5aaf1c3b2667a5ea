import { reshape, transpose } from '../ops/layout.ts'
import { matmul } from '../ops/matmul.ts'
import { pick } from '../ops/pick.ts'
import { reduceMax } from '../ops/reduce.ts'
import { pad } from '../ops/slice.ts'
import type { Size } from '../ops/window.ts'
import { fixed, type Value } from '../value.ts'
import { inChunks } from './chunks.ts'
import { halved, points } from './tiles.ts'

/**
 * A "same" convolution with stride 1 and the largest of every 2×2 of its results, for few channels: one product with
 * everything that four neighbouring results see. `[n, in, h, w]`, `[out, in, k, k]` → `[n, out, ⌊h/2⌋, ⌊w/2⌋]`.
 */
export function convolveBlocks(x: Value, w: Value): Value {
  const weights = shifted(w)
  const outputs = Number(w.shape[0])
  const reach = (Number(w.shape[2]) + 1) / 2
  return inChunks(x, part => {
    const [n, inputs, height, width] = fixed(part.shape) as [number, number, number, number]
    const [rows, columns] = halved([height, width])
    const blocks: Size = [rows + reach - 1, columns + reach - 1]
    const seen = pick(blocksOf(part, reach - 1, blocks), {
      name: `blocks ${rows}x${columns} by ${reach}`,
      rows: points(rows, columns).flatMap(([i, j]) =>
        points(reach).map(([a, b]) => (i + a) * blocks[1] + j + b),
      ),
    })
    const flat = reshape(seen, [n * rows * columns, reach ** 2 * 4 * inputs])
    const largest = reduceMax(matmul(flat, weights), { axes: [0] })
    return transpose(reshape(largest, [n, rows, columns, outputs]), [0, 3, 1, 2])
  })
}

/** The framed pictures as 2×2 blocks, `[n, blocks, 4 · in]`. */
function blocksOf(x: Value, border: number, [rows, columns]: Size): Value {
  const [n, inputs, height, width] = fixed(x.shape) as [number, number, number, number]
  const tall = pad(x, { axis: 2, before: border, after: 2 * rows - height - border })
  const framed = pad(tall, { axis: 3, before: border, after: 2 * columns - width - border })
  const parted = transpose(reshape(framed, [n, inputs, rows, 2, columns, 2]), [0, 2, 4, 3, 5, 1])
  return reshape(parted, [n, rows * columns, 4 * inputs])
}

/** The kernel at the four places that a pooled result looks at, `[4, blocks · 4 · in, out]`. */
function shifted(w: Value): Value {
  const [outputs, inputs, kernel] = fixed(w.shape) as [number, number, number]
  const reach = (kernel + 1) / 2
  const flat = reshape(transpose(w, [2, 3, 1, 0]), [kernel ** 2, inputs * outputs])
  const places = points(2).flatMap(([p, q]) =>
    points(reach).flatMap(([a, b]) => points(2).map(([c, d]) => [2 * a + c - p, 2 * b + d - q] as const)),
  )
  const map = places.flatMap(([row, column]) =>
    points(kernel).map(([u, v]) => (u === row && v === column ? 1 : 0)),
  )
  const name = `shifts of ${kernel}`
  const matrix = w.graph.shared(name, () => w.graph.constant('f32', [places.length, kernel ** 2], map, name))
  return reshape(matmul(matrix, flat), [4, reach ** 2 * 4 * inputs, outputs])
}
