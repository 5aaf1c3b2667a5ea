import type { Feeds } from '../training/index.ts'
import type { ModelConfig } from './config.ts'

export interface Prediction {
  /** The class, or the number in the target's own unit. */
  prediction: string | number
  /** Classes: the probability of the answer, 0 to 1. */
  confidence?: number
  /** Classes: of each, in the order of the model's `classes`. */
  probabilities?: number[]
  /** Numbers: on rows never trained on, the truth lay between the two in `interval.coverage` of the cases. */
  low?: number
  high?: number
}

/** What model.onnx put out, row by row. */
export function predictions(config: ModelConfig, outputs: Feeds): Prediction[] {
  const labels = Array.from(outputs.label?.data as Iterable<string | number>) // `label` is text or float32
  if (config.task === 'regression') return labels.map(value => estimate(config, Number(value)))
  const width = config.classes?.length ?? 0
  const all = Array.from(outputs.probabilities?.data as Float32Array) // always float32
  return labels.map((prediction, i) => {
    const probabilities = all.slice(i * width, (i + 1) * width)
    return { prediction, confidence: Math.max(...probabilities), probabilities }
  })
}

function estimate({ interval }: ModelConfig, prediction: number): Prediction {
  if (!interval) return { prediction }
  return { prediction, low: prediction + interval.low, high: prediction + interval.high }
}
