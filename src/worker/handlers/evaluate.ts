import {
  evaluator,
  floats,
  type LanguageSpec,
  metrics,
  type RowsSpec,
  readWeights,
} from '../../core/training/index.ts'
import { given, type Handler } from './handler.ts'

/** How good weights are on a dataset they were not trained on. */
export const evaluateWeights: Handler<'evaluate'> = ({ spec, weights, data, threads }) =>
  spec.task === 'language'
    ? evaluateText(spec, weights, data, threads)
    : evaluateRows(spec, weights, data, threads)

async function evaluateText(spec: LanguageSpec, weights: string, path: string, threads: number | undefined) {
  const engine = await evaluator(spec, given({ threads }))
  try {
    const { loss } = await engine.losses(await readWeights(spec, weights), await engine.load(path))
    return { metric: 'perplexity' as const, value: bounded(Math.exp(loss)), loss: bounded(loss) }
  } finally {
    await engine.close()
  }
}

async function evaluateRows(spec: RowsSpec, weights: string, path: string, threads: number | undefined) {
  const engine = await evaluator(spec, given({ threads }))
  try {
    const data = await engine.load(path)
    const tensors = await readWeights(spec, weights)
    const { loss, accuracy } = await engine.losses(tensors, data)
    if (accuracy !== undefined) return { metric: 'accuracy' as const, value: accuracy, loss: bounded(loss) }
    const { r2, rmse } = metrics.regression(await engine.predict(tensors, data.x), floats(data.y))
    // Of targets that do not vary it is not defined; 0, as scikit-learn says, is what a guess is worth.
    return { metric: 'r2' as const, value: Number.isNaN(r2) ? 0 : bounded(r2), loss: bounded(rmse) }
  } finally {
    await engine.close()
  }
}

/** A model that has diverged is bad, not undefined: JSON knows no infinity. */
const bounded = (x: number): number =>
  Number.isNaN(x) ? Number.MAX_VALUE : Math.max(-Number.MAX_VALUE, Math.min(x, Number.MAX_VALUE))
