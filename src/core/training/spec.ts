import { z } from 'zod'

/** What a job may ask for: a stranger's spec sizes the provider's memory, so every number has a bound. */
const MAX_PARAMETERS = 2 ** 28

const fraction = z.number().min(0).lt(1)
const learningRate = z.number().positive().max(1000)
const weightDecay = z.number().min(0).max(100)

const mlpModel = z
  .object({
    inputs: z.int().min(1).max(1_048_576),
    /** Widths of the hidden layers; none makes a linear model. */
    hidden: z.array(z.int().min(1).max(65_536)).max(16),
    outputs: z.int().min(1).max(65_536),
  })
  .refine(model => weightsOf(model) <= MAX_PARAMETERS, {
    message: `a model may have at most ${MAX_PARAMETERS} parameters`,
  })

/**
 * Everything that decides the arithmetic of a training run besides the seed and the data.
 * Inputs enter the model as `x · scale + shift`, computed in the graph, so that `u8` pixels stay bytes in memory.
 */
export const trainingSpec = z
  .object({
    recipe: z.literal('mlp'),
    model: mlpModel,
    task: z.enum(['classification', 'regression']),
    input: z.object({
      dtype: z.enum(['f32', 'u8']),
      scale: z.number().min(-1e6).max(1e6),
      shift: z.number().min(-1e6).max(1e6),
    }),
    /** Rows per step. */
    batch: z.int().min(1).max(65_536),
    optimizer: z.discriminatedUnion('name', [
      z.object({ name: z.literal('sgd'), learningRate, momentum: fraction, weightDecay }),
      z.object({
        name: z.literal('adamw'),
        learningRate,
        beta1: fraction,
        beta2: fraction,
        epsilon: z.number().positive().max(1),
        weightDecay,
      }),
    ]),
  })
  .refine(spec => spec.task === 'regression' || spec.model.outputs >= 2, {
    message: 'a classification needs at least two outputs',
    path: ['model', 'outputs'],
  })

export type TrainingSpec = z.infer<typeof trainingSpec>

/** Layer widths from input to output, e.g. [784, 128, 10]. */
export function widths(model: { inputs: number; hidden: number[]; outputs: number }): number[] {
  return [model.inputs, ...model.hidden, model.outputs]
}

function weightsOf(model: { inputs: number; hidden: number[]; outputs: number }): number {
  const w = widths(model)
  return w.slice(1).reduce((sum, out, i) => sum + out * ((w[i] ?? 0) + 1), 0)
}
