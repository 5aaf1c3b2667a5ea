import type { DateFeature } from '../../datasets/index.ts'
import { add, cast, div, mul, sub, type Value, where } from '../../training/index.ts'
import { isMissing, sideBySide } from './prepare-columns.ts'

const YEAR = 365.2425
/** 1970-01-01 was a Thursday; weeks begin on Monday. */
const THURSDAY = 3

/** `[rows, 1]` days since 1970 in f64, NaN where missing → `[rows, 5…8]` f32, as `encodeRows` does. */
export function prepareDate(feature: DateFeature, days: Value): Value {
  const missing = isMissing(days)
  const known = where(missing, feature.mean, days)
  const day = elementwise('Floor', known)
  const parts = [
    cast(div(sub(known, feature.mean), feature.scale), { to: 'f32' }),
    ...circle(div(day, YEAR)),
    ...circle(div(add(day, THURSDAY), 7)),
    ...(feature.time ? circle(sub(known, day)) : []),
  ]
  const all = sideBySide(parts)
  // Of a missing date nothing is known: zeros, and 1 in the indicator.
  const part = where(missing, 0, all)
  return feature.indicator ? sideBySide([part, cast(missing, { to: 'f32' })]) : part
}

/** Sine and cosine of whole turns. The turn is cut in double first: after it, float32 is exact enough. */
function circle(turns: Value): Value[] {
  const angle = mul(cast(sub(turns, elementwise('Floor', turns)), { to: 'f32' }), 2 * Math.PI)
  return [elementwise('Sin', angle), elementwise('Cos', angle)]
}

/** A function of one value that training has no need of. */
const elementwise = (type: 'Sin' | 'Cos' | 'Floor', x: Value): Value =>
  x.graph.node({ type, inputs: [x], outputs: [{ dtype: x.dtype, shape: x.shape }] })[0]!
