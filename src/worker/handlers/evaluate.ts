import { evaluator, floats, metrics, readWeights } from '../../core/training/index.ts'
import { given, type Handler } from './handler.ts'

/** How good weights are on a dataset they were not trained on. */
export const evaluateWeights: Handler<'evaluate'> = async ({ spec, weights, data: path, threads }) => {
  const engine = await evaluator(spec, given({ threads }))
  try {
    const data = await engine.load(path)
    const tensors = await readWeights(spec, weights)
    const { loss, accuracy } = await engine.losses(tensors, data)
    if (accuracy !== undefined) return { metric: 'accuracy', value: accuracy, loss }
    const { r2, rmse } = metrics.regression(await engine.predict(tensors, data.x), floats(data.y))
    return { metric: 'r2', value: r2, loss: rmse }
  } finally {
    await engine.close()
  }
}
