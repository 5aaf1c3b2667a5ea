/** What a classifier gets right on rows it never saw. */
export interface ClassificationMetrics {
  rows: number
  /** Share of rows whose largest logit is the true class. */
  accuracy: number
  /** Mean over the classes that occur of each class's F1; a class never predicted counts as 0. */
  macroF1: number
  /** Mean cross-entropy in nats. */
  logLoss: number
  /** `confusion[true][predicted]`, in rows. */
  confusion: number[][]
}

export interface RegressionMetrics {
  rows: number
  /** 1 − Σ error² / Σ deviation², over all outputs; NaN when the targets do not vary. */
  r2: number
  mae: number
  rmse: number
  /** The error (predicted − true) below which 5, 25, 50, 75 and 95 % of the errors lie. */
  errors: { p5: number; p25: number; p50: number; p75: number; p95: number }
}

/** @param logits  `[rows, classes]`  @param labels  `[rows]` */
function classification(logits: Float32Array, labels: Int32Array, classes: number): ClassificationMetrics {
  const confusion = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  for (const [row, label] of labels.entries()) {
    const counts = confusion[label]
    const predicted = largest(logits, row * classes, classes)
    if (counts) counts[predicted] = (counts[predicted] ?? 0) + 1
  }
  const right = confusion.reduce((sum, counts, i) => sum + (counts[i] ?? 0), 0)
  return {
    rows: labels.length,
    accuracy: right / labels.length,
    macroF1: macroF1(confusion),
    logLoss: crossEntropyOf(logits, labels, classes),
    confusion,
  }
}

function macroF1(confusion: number[][]): number {
  const scores = confusion.flatMap((counts, i) => {
    const actual = counts.reduce((sum, n) => sum + n, 0)
    const predicted = confusion.reduce((sum, row) => sum + (row[i] ?? 0), 0)
    return actual === 0 ? [] : [(2 * (counts[i] ?? 0)) / (actual + predicted)]
  })
  return scores.reduce((sum, f1) => sum + f1, 0) / scores.length
}

/** @param predicted  and @param actual  `[rows, outputs]`, in the target's own unit */
function regression(predicted: Float32Array, actual: Float32Array, outputs = 1): RegressionMetrics {
  const n = actual.length
  const means = Array.from({ length: outputs }, (_, o) => {
    let sum = 0
    for (let i = o; i < n; i += outputs) sum += actual[i] ?? 0
    return sum / (n / outputs)
  })
  const errors = Float64Array.from(actual, (truth, i) => (predicted[i] ?? 0) - truth)
  const squares = errors.reduce((sum, e) => sum + e * e, 0)
  const spread = actual.reduce((sum, truth, i) => sum + (truth - (means[i % outputs] ?? 0)) ** 2, 0)
  const absolute = errors.reduce((sum, e) => sum + Math.abs(e), 0)
  const sorted = errors.sort()
  const at = (share: number) => sorted[Math.round(share * (n - 1))] ?? Number.NaN
  return {
    rows: n / outputs,
    r2: spread === 0 ? Number.NaN : 1 - squares / spread,
    mae: absolute / n,
    rmse: Math.sqrt(squares / n),
    errors: { p5: at(0.05), p25: at(0.25), p50: at(0.5), p75: at(0.75), p95: at(0.95) },
  }
}

export const metrics = { classification, regression }

/** Mean cross-entropy in nats, in double precision. Logits that are not finite give NaN or Infinity, never an error. */
export function crossEntropyOf(logits: Float32Array, labels: Int32Array, classes: number): number {
  let total = 0
  for (const [row, label] of labels.entries()) {
    const from = row * classes
    const top = logits[from + largest(logits, from, classes)] ?? Number.NaN
    let sum = 0
    for (let c = 0; c < classes; c++) sum += Math.exp((logits[from + c] ?? 0) - top)
    total += top + Math.log(sum) - (logits[from + label] ?? 0)
  }
  return total / labels.length
}

export function squaredErrorOf(predicted: Float32Array, actual: Float32Array): number {
  return predicted.reduce((sum, p, i) => sum + (p - (actual[i] ?? 0)) ** 2, 0) / actual.length
}

export function accuracyOf(logits: Float32Array, labels: Int32Array, classes: number): number {
  return (
    labels.reduce((sum, label, row) => sum + Number(largest(logits, row * classes, classes) === label), 0) /
    labels.length
  )
}

/** Which of `count` values from `from` on is largest; the first of equal ones. */
function largest(values: Float32Array, from: number, count: number): number {
  let best = 0
  for (let i = 1; i < count; i++) if ((values[from + i] ?? 0) > (values[from + best] ?? 0)) best = i
  return best
}
