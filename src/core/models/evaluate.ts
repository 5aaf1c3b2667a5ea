import type { Encoding } from '../datasets/index.ts'
import { type Data, evaluator, floats, metrics, type RowsSpec, type Tensors } from '../training/index.ts'
import type { ClassificationQuality, Quality, RegressionQuality } from './report.ts'

export interface Model {
  spec: RowsSpec
  encoding: Encoding
  weights: Tensors
}

/**
 * How good the model is on rows it was not trained on, and how good a guess without a model would be.
 * @param holdout  safetensors as `prepare` writes it
 * @throws UserError `training/data`, `training/safetensors`, `training/engine`
 */
export async function evaluateOn(
  holdout: string,
  { spec, encoding, weights }: Model,
  threads?: number,
): Promise<Quality> {
  const engine = await evaluator(spec, { threads })
  try {
    const data = await engine.load(holdout)
    const outputs = await engine.predict(weights, data.x)
    const { target } = encoding
    return target.kind === 'class'
      ? classQuality(outputs, data, target.values)
      : numberQuality(outputs, data, target)
  } finally {
    await engine.close()
  }
}

function classQuality(logits: Float32Array, { rows, y }: Data, classes: string[]): ClassificationQuality {
  const labels = Int32Array.from(y.data, Number) // already 32-bit integers; the type does not say so
  const { accuracy, macroF1, logLoss, confusion } = metrics.classification(logits, labels, classes.length)
  const sizes = confusion.map(counts => counts.reduce((sum, n) => sum + n, 0))
  const most = Math.max(...sizes)
  return {
    task: 'classification',
    holdout: { rows },
    metrics: { accuracy, macroF1, logLoss: finite(logLoss) },
    baseline: { answer: classes[sizes.indexOf(most)] ?? '', accuracy: most / rows },
    confusion: { classes, counts: confusion },
  }
}

/** Model and holdout are standardised; errors are proportional to the target's scale, so only they are converted. */
function numberQuality(
  outputs: Float32Array,
  { rows, y }: Data,
  { mean, scale }: { mean: number; scale: number },
): RegressionQuality {
  const truth = floats(y)
  const model = metrics.regression(outputs, truth)
  const guess = metrics.regression(new Float32Array(truth.length), truth)
  const inUnit = (error: number) => finite(error * scale)
  const { p5, p25, p50, p75, p95 } = model.errors
  return {
    task: 'regression',
    holdout: { rows },
    metrics: { r2: finite(model.r2), mae: inUnit(model.mae), rmse: inUnit(model.rmse) },
    baseline: { answer: mean, mae: inUnit(guess.mae), rmse: inUnit(guess.rmse) },
    errors: { p5: inUnit(p5), p25: inUnit(p25), p50: inUnit(p50), p75: inUnit(p75), p95: inUnit(p95) },
  }
}

const finite = (n: number): number | null => (Number.isFinite(n) ? n : null)
