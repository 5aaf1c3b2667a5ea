import { z } from 'zod'
import { configs, modelOf, type Recipe } from './models/index.ts'
import { optimizerConfig } from './optimizers/config.ts'
import { elements } from './tensor.ts'

/** What a job may ask for: a stranger's spec sizes the provider's memory, so every number has a bound. */
const MAX_PARAMETERS = 2 ** 28

/** What every recipe says of its training. */
const training = {
  /** Rows per step. */
  batch: z.int().min(1).max(65_536),
  optimizer: optimizerConfig,
}

/** Models of rows of numbers. Inputs enter as `x · scale + shift`, computed in the graph: pixels stay bytes in memory. */
const numbers = {
  task: z.enum(['classification', 'regression']),
  input: z.object({
    dtype: z.enum(['f32', 'u8']),
    scale: z.number().min(-1e6).max(1e6),
    shift: z.number().min(-1e6).max(1e6),
  }),
}

/** Everything that decides the arithmetic of a training run besides the seed and the data. */
export const trainingSpec = z
  .discriminatedUnion('recipe', [
    z.object({ recipe: z.literal('mlp'), model: configs.mlp, ...numbers, ...training }),
    z.object({ recipe: z.literal('cnn'), model: configs.cnn, ...numbers, ...training }),
  ])
  .superRefine((spec, context) => {
    const { parameters, outputShape } = modelOf(spec)
    if (parameters.reduce((sum, { shape }) => sum + elements(shape), 0) > MAX_PARAMETERS)
      context.addIssue({
        code: 'custom',
        message: `a model may have at most ${MAX_PARAMETERS} parameters`,
        path: ['model'],
      })
    if (spec.task === 'classification' && elements(outputShape) < 2)
      context.addIssue({
        code: 'custom',
        message: 'a classification needs at least two outputs',
        path: ['model', 'outputs'],
      })
  })

export type TrainingSpec = z.infer<typeof trainingSpec>
/** The spec of one family of models. */
export type SpecOf<R extends Recipe> = Extract<TrainingSpec, { recipe: R }>

/** One row of a dataset: what enters the model, and what it is compared with. */
export interface Row {
  x: { dtype: 'f32' | 'u8' | 'i32'; shape: number[] }
  y: { dtype: 'f32' | 'i32'; shape: number[] }
}

export function rowOf(spec: TrainingSpec): Row {
  const { inputShape, outputShape } = modelOf(spec)
  return {
    x: { dtype: spec.input.dtype, shape: inputShape },
    y: spec.task === 'classification' ? { dtype: 'i32', shape: [] } : { dtype: 'f32', shape: outputShape },
  }
}
