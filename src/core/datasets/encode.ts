import type { CategoricalFeature, DateFeature, Feature, NumericFeature } from './encoding.ts'
import { widthOf } from './width.ts'

/** Where encoded rows go: row i to `x[place[i] * width + …]`; a negative place leaves the row out. */
export interface Destination {
  x: Float32Array
  width: number
  place: Int32Array
}

/**
 * Writes one feature of many rows.
 * @param values  numbers or dates (days since 1970) with NaN for missing; for categories the index into its values,
 *   anything else for other or missing ones
 * @param offset  first input of the feature
 */
export function encodeFeature(
  feature: Feature,
  values: ArrayLike<number>,
  offset: number,
  into: Destination,
): void {
  switch (feature.kind) {
    case 'numeric':
      return encodeNumeric(feature, values, offset, into)
    case 'categorical':
      return encodeCategorical(feature, values, offset, into)
    case 'date':
      return encodeDate(feature, values, offset, into)
  }
}

function encodeNumeric(
  { mean, scale, fill, indicator }: NumericFeature,
  values: ArrayLike<number>,
  offset: number,
  { x, width, place }: Destination,
): void {
  const filled = (fill - mean) / scale
  for (let i = 0; i < place.length; i++) {
    if (place[i]! < 0) continue
    const at = place[i]! * width + offset
    const value = values[i]!
    if (Number.isNaN(value)) {
      x[at] = filled
      if (indicator) x[at + 1] = 1
    } else x[at] = (value - mean) / scale
  }
}

function encodeCategorical(
  feature: CategoricalFeature,
  values: ArrayLike<number>,
  offset: number,
  { x, width, place }: Destination,
): void {
  const other = feature.values.length
  for (let i = 0; i < place.length; i++) {
    if (place[i]! < 0) continue
    const index = values[i]!
    x[place[i]! * width + offset + (index >= 0 && index < other ? index : other)] = 1
  }
}

const TURN = 2 * Math.PI
const YEAR = 365.2425
/** 1970-01-01 was a Thursday; weeks begin on Monday. */
const THURSDAY = 3

function encodeDate(
  feature: DateFeature,
  values: ArrayLike<number>,
  offset: number,
  into: Destination,
): void {
  const { mean, scale, time, indicator } = feature
  const { x, width, place } = into
  for (let i = 0; i < place.length; i++) {
    if (place[i]! < 0) continue
    const at = place[i]! * width + offset
    const days = values[i]!
    if (Number.isNaN(days)) {
      if (indicator) x[at + widthOf(feature) - 1] = 1
      continue
    }
    const day = Math.floor(days)
    x[at] = (days - mean) / scale
    x[at + 1] = Math.sin((TURN * day) / YEAR)
    x[at + 2] = Math.cos((TURN * day) / YEAR)
    x[at + 3] = Math.sin((TURN * (day + THURSDAY)) / 7)
    x[at + 4] = Math.cos((TURN * (day + THURSDAY)) / 7)
    if (time) {
      x[at + 5] = Math.sin(TURN * (days - day))
      x[at + 6] = Math.cos(TURN * (days - day))
    }
  }
}
