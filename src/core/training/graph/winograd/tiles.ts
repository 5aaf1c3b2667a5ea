import type { Size } from '../ops/window.ts'
import { range } from './toom-cook.ts'

/** How pictures are cut into overlapping tiles, each of which gives `m × m` results of a "same" convolution. */
export interface Tiling {
  /** Pictures that are cut together. */
  pictures: number
  image: Size
  /** Points of the kernel along each axis, odd. */
  kernel: number
  /** Results of a tile along each axis. */
  m: number
}

/** Points of a tile along each axis. */
export const edge = ({ m, kernel }: Tiling): number => m + kernel - 1

const along = ({ image, m }: Tiling): Size => [Math.ceil(image[0] / m), Math.ceil(image[1] / m)]

/** Tiles of all pictures, and one more that sees only zeros and that nobody looks at; see `Table.idle`. */
export function tileCount(t: Tiling): number {
  const [rows, columns] = along(t)
  return t.pictures * rows * columns + 1
}

/**
 * Where the points of the tiles lie, `[edge², tiles]`: row numbers of the pictures' pixels `[pictures · h · w]`, and −1
 * where a tile reaches beyond its picture.
 */
export function tilePixels(t: Tiling): number[] {
  const [h, w] = t.image
  const border = (t.kernel - 1) / 2
  return points(edge(t)).flatMap(([u, v]) => [
    ...placesOf(t).map(({ picture, row, column }) => {
      const [y, x] = [row * t.m + u - border, column * t.m + v - border]
      const inside = y >= 0 && y < h && x >= 0 && x < w
      return inside ? (picture * h + y) * w + x : -1
    }),
    -1,
  ])
}

/** Where in the tiles' pooled results `[(m/2)², tiles]` each pixel of the result is, `[pictures · ⌊h/2⌋ · ⌊w/2⌋]`. */
export function pooledPixels(t: Tiling): number[] {
  const half = { ...t, m: t.m / 2, image: halved(t.image) }
  return pixels(t.pictures, half.image).map(([picture, y, x]) => {
    const within = (y % half.m) * half.m + (x % half.m)
    return within * tileCount(t) + tileOf(t, picture, Math.floor(y / half.m), Math.floor(x / half.m))
  })
}

export const halved = ([h, w]: Size): Size => [Math.floor(h / 2), Math.floor(w / 2)]

/** [row, column] of the points of a rectangle, or of a square. */
export const points = (rows: number, columns = rows): [number, number][] =>
  range(rows).flatMap(u => range(columns).map((v): [number, number] => [u, v]))

function tileOf(t: Tiling, picture: number, row: number, column: number): number {
  const [rows, columns] = along(t)
  return (picture * rows + row) * columns + column
}

function placesOf(t: Tiling): { picture: number; row: number; column: number }[] {
  return pixels(t.pictures, along(t)).map(([picture, row, column]) => ({ picture, row, column }))
}

function pixels(pictures: number, [h, w]: Size): [picture: number, y: number, x: number][] {
  return range(pictures).flatMap(p => points(h, w).map(([y, x]): [number, number, number] => [p, y, x]))
}
