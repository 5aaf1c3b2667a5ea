import type { TargetEncoding } from '../../datasets/index.ts'
import { add, cast, type Graph, mul, softmax, type Value } from '../../training/index.ts'

type ClassTarget = Extract<TargetEncoding, { kind: 'class' }>
type NumberTarget = Extract<TargetEncoding, { kind: 'number' }>

/** Logits `[rows, classes]` → the outputs `label` (text, `[rows]`) and `probabilities` `[rows, classes]`. */
export function answerClass(graph: Graph, target: ClassTarget, logits: Value): void {
  const rows = logits.shape[0] ?? 1
  // The class is that of the largest logit: among probabilities that round to 1 the larger one is lost.
  const [index] = graph.node({
    type: 'ArgMax',
    inputs: [logits],
    attributes: { axis: 1, keepdims: 0 },
    outputs: [{ dtype: 'i64', shape: [rows] }],
  })
  const [label] = graph.node({
    type: 'LabelEncoder',
    domain: 'ai.onnx.ml',
    inputs: [index!],
    attributes: {
      keys_int64s: target.values.map((_, i) => i),
      values_strings: target.values,
      default_string: '',
    },
    outputs: [{ dtype: 'string', shape: [rows] }],
  })
  graph.output('label', label!)
  graph.output('probabilities', softmax(logits))
}

/** Standardised answers `[rows, 1]` → the output `label` (f32, `[rows]`) in the target's own unit. */
export function answerNumber(graph: Graph, target: NumberTarget, y: Value): void {
  const [flat] = graph.node({
    type: 'Squeeze',
    inputs: [y, graph.constant('i64', [1], [1], 'axes')],
    outputs: [{ dtype: y.dtype, shape: [y.shape[0] ?? 1] }],
  })
  const inUnit = add(mul(cast(flat!, { to: 'f64' }), target.scale), target.mean)
  graph.output('label', cast(inUnit, { to: 'f32' }))
}
