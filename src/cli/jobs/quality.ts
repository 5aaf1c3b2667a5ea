import { type ModelReport, modelReport, type TextReport, textReport } from '../../core/models/index.ts'
import { counted, percent, score } from '../format.ts'

/** How good a job's model became. */
export interface Quality {
  metric: 'accuracy' | 'r2' | 'perplexity'
  value: number | null
  /** For a person. */
  text: string
}

/** @param report  of the model's folder, as the job's log keeps it */
export function qualityOf(report: unknown): Quality {
  const text = textReport.safeParse(report)
  return text.success ? ofText(text.data) : ofRows(modelReport.parse(report))
}

function ofText({ metrics, baseline, holdout }: TextReport): Quality {
  const guess = baseline.loss === null ? null : Math.exp(baseline.loss)
  return {
    metric: 'perplexity',
    value: metrics.perplexity,
    text: `Perplexity ${score(metrics.perplexity)} on ${counted(holdout.tokens, 'token')} never trained on; by their frequencies alone it is ${score(guess)}.`,
  }
}

function ofRows(made: ModelReport): Quality {
  const on = `on ${counted(made.holdout.rows, 'row')} never trained on`
  if (made.task === 'regression') {
    const value = made.metrics.r2
    return { metric: 'r2', value, text: `R² ${score(value)} ${on}.` }
  }
  const value = made.metrics.accuracy
  const baseline = `always answering “${made.baseline.answer}” gives ${percent(made.baseline.accuracy)}`
  return {
    metric: 'accuracy',
    value,
    text: `Accuracy ${percent(value, 2)} ${on}; ${baseline}.`,
  }
}
