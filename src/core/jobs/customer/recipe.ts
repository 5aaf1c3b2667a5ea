import type { PreparedRows } from '../../datasets/index.ts'
import { type RowsSpec, rowsSpec } from '../../training/index.ts'

type Shape = Pick<PreparedRows, 'task' | 'inputs' | 'outputs' | 'input'> & { rowsPerShard: number }

/** Local steps of a round are at least so many: below it the transfers would cost more than the work. */
const fewestSteps = 100
/** Passes over its shard that a provider makes in a full round. */
const epochs = 2

/**
 * The model and its training for a dataset. Images get the 2NN of McMahan et al. 2017 (two hidden layers of 200), SGD
 * with momentum; tables a smaller one with AdamW, which forgives features of different scales.
 */
export function recipeFor({ task, inputs, outputs, input, rowsPerShard }: Shape): RowsSpec {
  const image = input.dtype === 'u8'
  return rowsSpec.parse({
    recipe: 'mlp',
    model: { inputs, hidden: image ? [200, 200] : [64, 64], outputs },
    task,
    input,
    batch: Math.max(1, Math.min(image ? 64 : 32, rowsPerShard)),
    optimizer: image
      ? { name: 'sgd', learningRate: 0.05, momentum: 0.9, weightDecay: 1e-4 }
      : { name: 'adamw', learningRate: 2e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 1e-2 },
  })
}

/** Local steps of a full round. */
export const stepsFor = (spec: RowsSpec, rowsPerShard: number): number =>
  Math.max(fewestSteps, epochs * Math.ceil(rowsPerShard / spec.batch))
