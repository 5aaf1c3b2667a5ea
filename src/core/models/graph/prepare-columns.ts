import type { CategoricalFeature, NumericFeature } from '../../datasets/index.ts'
import { cast, div, sub, type Value, where } from '../../training/index.ts'

// What `encodeRows` does in JavaScript, as ONNX nodes. Arithmetic is in double, as there, and rounded once at the end:
// a year or a large amount standardised in float32 would lose the digits that matter.

/** `[rows, 1]` f32 or f64, NaN where missing → `[rows, 1]` f32, or `[rows, 2]` with the indicator. */
export function prepareNumber(feature: NumericFeature, x: Value): Value {
  const missing = isMissing(x)
  const filled = where(missing, feature.fill, asDouble(x))
  const standardised = cast(div(sub(filled, feature.mean), feature.scale), { to: 'f32' })
  return feature.indicator ? sideBySide([standardised, cast(missing, { to: 'f32' })]) : standardised
}

/** `[rows, 1]` texts → `[rows, values + 1]` f32: 1 where the text is the value, in the last one when it is none of them. */
export function prepareText(feature: CategoricalFeature, x: Value): Value {
  const { graph, shape } = x
  const rows = shape[0] ?? 1
  const other = feature.values.length
  const [index] = graph.node({
    type: 'LabelEncoder',
    domain: 'ai.onnx.ml',
    inputs: [x],
    attributes: {
      keys_strings: feature.values,
      values_int64s: feature.values.map((_, i) => i),
      default_int64: other,
    },
    outputs: [{ dtype: 'i64', shape }],
  })
  const [flat] = graph.node({
    type: 'Squeeze',
    inputs: [index!, graph.constant('i64', [1], [1], 'axes')],
    outputs: [{ dtype: 'i64', shape: [rows] }],
  })
  return graph.node({
    type: 'OneHot',
    inputs: [flat!, graph.scalar('i64', other + 1), graph.constant('f32', [2], [0, 1], 'off_on')],
    outputs: [{ dtype: 'f32', shape: [rows, other + 1] }],
  })[0]!
}

/** Columns beside each other: `[rows, a]`, `[rows, b]`, … → `[rows, a + b + …]`. */
export function sideBySide(parts: readonly Value[]): Value {
  const [first] = parts
  if (!first || parts.length === 1) return first!
  const width = parts.reduce((sum, part) => sum + Number(part.shape[1]), 0)
  return first.graph.node({
    type: 'Concat',
    inputs: parts,
    attributes: { axis: 1 },
    outputs: [{ dtype: first.dtype, shape: [first.shape[0] ?? 1, width] }],
  })[0]!
}

const asDouble = (x: Value): Value => (x.dtype === 'f64' ? x : cast(x, { to: 'f64' }))

export const isMissing = (x: Value): Value =>
  x.graph.node({ type: 'IsNaN', inputs: [x], outputs: [{ dtype: 'bool', shape: x.shape }] })[0]!
