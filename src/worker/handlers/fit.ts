import { type FitResult, fitModel } from '../../core/training/index.ts'
import { given, type Handler } from './handler.ts'

export const fitHere: Handler<'fit'> = async (input, { signal, progress }) => {
  const result = await fitModel({
    ...given(input),
    signal,
    onProgress: ({ step, steps, loss, secondsLeft, validation, fallback }) =>
      progress({ step, steps, loss, secondsLeft, validation, fallback }),
  })
  signal.throwIfAborted()
  return { steps: result.steps, curve: curveOf(result), seconds: result.seconds }
}

const curveOf = ({ losses, validations }: FitResult) =>
  validations.map(({ step, loss }, i) => ({
    step,
    training: mean(losses.slice(validations[i - 1]?.step ?? 0, step)),
    holdout: loss,
  }))

const mean = (values: number[]): number | null => {
  const sum = values.reduce((total, value) => total + value, 0) / values.length
  return Number.isFinite(sum) ? sum : null
}
