import { encodeFeature } from '../encode.ts'
import type { Feature, TargetEncoding } from '../encoding.ts'
import { groupRows } from '../group.ts'
import { NONE } from '../split.ts'
import { BlockReader, type StoredBlock } from '../table/block.ts'
import { widthOf } from '../width.ts'
import { type Classes, classesOf } from './classes.ts'

/** How the columns of a block become inputs and answers. */
export interface Columns {
  features: {
    feature: Feature
    /** The column's place in a block. */
    at: number
    /** For texts, the place of each of the dictionary's codes among the feature's values. */
    slots: Int32Array | undefined
  }[]
  target: {
    encoding: TargetEncoding
    at: number
    /** The column's own classes, */
    classes: Classes | undefined
    /** and the place of each among the encoding's. */
    classOf: Int32Array | undefined
  }
  /** Inputs of a row. */
  width: number
}

export interface EncodeRequest {
  columns: Columns
  blocks: readonly StoredBlock[]
  /** Bucket of each block's rows, NONE for those that are left out. */
  buckets: readonly Int32Array[]
  /** How many buckets there are. */
  count: number
  /** Where the encoded rows go, of `bytesFor` bytes at least. */
  memory: SharedArrayBuffer
}

/** Rows sorted by bucket. */
export interface EncodedRows {
  /** `[rows, width]` and `[rows]`, both in the request's memory. */
  x: Float32Array
  y: Float32Array | Int32Array
  /** Bucket b's rows lie from start[b] to start[b + 1]. */
  start: Int32Array
}

/** Bytes of `rows` encoded rows. */
export const bytesFor = (rows: number, { width }: Columns): number => rows * (width + 1) * 4

export function encodeBlocks({ columns, blocks, buckets, count, memory }: EncodeRequest): EncodedRows {
  const { features, target, width } = columns
  const { places, start } = groupRows(buckets, count, NONE)
  const rows = start[count]!
  const x = new Float32Array(memory, 0, rows * width).fill(0)
  const y = target.classes
    ? new Int32Array(memory, x.byteLength, rows)
    : new Float32Array(memory, x.byteLength, rows)
  const reader = new BlockReader()
  for (const [b, stored] of blocks.entries()) {
    const place = places[b]!
    let offset = 0
    for (const { feature, at, slots } of features) {
      const column = reader.column(stored, at)
      encodeFeature(feature, slots ? slotsOf(column, slots) : column, offset, { x, width, place })
      offset += widthOf(feature)
    }
    encodeAnswers(target, reader.column(stored, target.at), place, y)
  }
  return { x, y, start }
}

function slotsOf(codes: Float64Array | Int32Array, slots: Int32Array): Int32Array {
  const result = new Int32Array(codes.length)
  for (let i = 0; i < codes.length; i++) result[i] = codes[i]! < 0 ? -1 : slots[codes[i]!]!
  return result
}

function encodeAnswers(
  { encoding, classes, classOf }: Columns['target'],
  column: Float64Array | Int32Array,
  place: Int32Array,
  y: Float32Array | Int32Array,
): void {
  if (classes && classOf) {
    const own = classesOf(classes, column, place.length)
    for (let i = 0; i < place.length; i++) if (place[i]! >= 0) y[place[i]!] = classOf[own[i]!]!
  } else if (encoding.kind === 'number') {
    const { mean, scale } = encoding
    for (let i = 0; i < place.length; i++) if (place[i]! >= 0) y[place[i]!] = (column[i]! - mean) / scale
  }
}
