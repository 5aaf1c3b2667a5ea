import { z } from 'zod'
import { type Augment, augmentConfig } from './layers/augment.ts'
import { adapterConfig } from './layers/lora.ts'
import { configs, modelOf, type Recipe } from './models/index.ts'
import { optimizerConfig } from './optimizers/config.ts'
import { elements } from './tensor.ts'

/** What a job may ask for: a stranger's spec sizes the provider's memory, so every number has a bound. */
const MAX_PARAMETERS = 2 ** 28
/** Of a base that is not trained. */
const MAX_FROZEN = 2 ** 32

/** What every recipe says of its training. */
const training = {
  /** Rows per step. */
  batch: z.int().min(1).max(65_536),
  optimizer: optimizerConfig,
}

/** ε of label smoothing (Szegedy et al. 2015); none when left out. */
const smoothing = z.number().min(0).lt(1).optional()

/**
 * The part of the values that is left out in each step (Srivastava et al. 2014), where nanoGPT does: after the embedding, of
 * attention's weights, of what a block adds; in perceptrons and convolutional networks after each hidden dense layer, and
 * before the last layer where there is none, as in residual networks. None when left out.
 */
const dropout = z.number().min(0).max(0.9).optional()

/** Models of rows of numbers. Inputs enter as `x · scale + shift`, computed in the graph: pixels stay bytes in memory. */
const numbers = {
  task: z.enum(['classification', 'regression']),
  input: z.object({
    dtype: z.enum(['f32', 'u8']),
    scale: z.number().min(-1e6).max(1e6),
    shift: z.number().min(-1e6).max(1e6),
  }),
  smoothing,
  /** Of a classification: how much a row of each class counts; all the same when left out. */
  classWeights: z.array(z.number().positive().max(1e6)).max(65_536).optional(),
}

/** What only models of pictures have; elsewhere it is refused, for nothing would come of it. */
const pictures = { ...numbers, dropout, augment: augmentConfig.optional() }
const augment = z.never({ error: 'only models of pictures augment' }).optional()

/** Models of text: from the tokens so far, the next one. */
const language = {
  task: z.literal('language'),
  /** Tokens of a row, T, where they are fewer than the model can see at once. */
  block: z.int().min(1).optional(),
  /** Whether the dataset says which tokens count, e.g. answers only; all do when left out. */
  masked: z.boolean().optional(),
  smoothing,
  dropout,
  augment,
  /** Adapters to a frozen base, which are all that is trained. */
  adapter: adapterConfig.optional(),
}

const ofRows = [
  z.object({ recipe: z.literal('mlp'), model: configs.mlp, ...numbers, ...training, dropout, augment }),
  z.object({ recipe: z.literal('cnn'), model: configs.cnn, ...pictures, ...training }),
  z.object({ recipe: z.literal('resnet'), model: configs.resnet, ...pictures, ...training }),
] as const
const ofText = [
  z.object({ recipe: z.literal('gpt'), model: configs.gpt, ...language, ...training }),
  z.object({ recipe: z.literal('llama'), model: configs.llama, ...language, ...training }),
] as const

/** Everything that decides the arithmetic of a training run besides the seed and the data. */
export const trainingSpec = z.discriminatedUnion('recipe', [...ofRows, ...ofText]).superRefine(check)
export type TrainingSpec = z.infer<typeof trainingSpec>
/** The spec of one family of models. */
export type SpecOf<R extends Recipe> = Extract<TrainingSpec, { recipe: R }>

/** The specs whose datasets are rows of numbers. */
export const rowsSpec = z.discriminatedUnion('recipe', ofRows).superRefine(check)
export type RowsSpec = z.infer<typeof rowsSpec>

/**
 * The specs that jobs can be about: whatever trains all of its weights. An adapter needs a base that providers do not have.
 */
export const jobSpec = trainingSpec.refine(spec => spec.task !== 'language' || !spec.adapter, {
  message: 'a job trains no adapters',
  path: ['adapter'],
})
export type JobSpec = z.infer<typeof jobSpec>
export const RECIPES = [...ofRows, ...ofText].map(({ shape }) => shape.recipe.value)

/** What a schema of single fields cannot say. */
function check(spec: TrainingSpec, context: z.RefinementCtx): void {
  const refuse = (message: string, ...path: string[]) => context.addIssue({ code: 'custom', message, path })
  const { parameters, frozen, outputShape } = modelOf(spec)
  const count = (all: typeof parameters) => all.reduce((sum, { shape }) => sum + elements(shape), 0)
  if (count(frozen) > MAX_FROZEN) refuse(`a base may have at most ${MAX_FROZEN} parameters`, 'model')
  if (parameters.length === 0) refuse('the model has no linear layer of these names', 'adapter', 'targets')
  if (count(parameters) > MAX_PARAMETERS)
    refuse(`a model may have at most ${MAX_PARAMETERS} parameters`, 'model')
  if (spec.task === 'classification' && elements(outputShape) < 2)
    refuse('a classification needs at least two outputs', 'model', 'outputs')
  if (spec.task === 'language' && blockOf(spec) > spec.model.context)
    refuse(`a row may have at most the model's ${spec.model.context} tokens`, 'block')
  const { crop = 0 } = spec.augment ?? {}
  if (crop >= Math.min(...modelOf(spec).inputShape.slice(-2)))
    refuse('a crop must leave some of the picture to be seen', 'augment', 'crop')
  if (spec.task === 'language' || !spec.classWeights) return
  if (spec.task === 'regression') refuse('only classes have weights', 'classWeights')
  else if (spec.classWeights.length !== elements(outputShape))
    refuse('there must be a weight for every class', 'classWeights')
}

/** The part that a spec drops while training. */
export const dropoutOf = (spec: TrainingSpec): number => spec.dropout ?? 0

/** What becomes of a spec's pictures while training; undefined where they stay as they are. */
export const augmentOf = ({ augment }: TrainingSpec): Augment | undefined =>
  augment?.flip || augment?.crop ? augment : undefined

/** Whether a run draws by its seed in every step, besides the order of rows. */
export const isNoisy = (spec: TrainingSpec): boolean => dropoutOf(spec) > 0 || augmentOf(spec) !== undefined

export type LanguageSpec = Extract<TrainingSpec, { task: 'language' }>

/** Tokens of a row of text, T. */
export const blockOf = ({ block, model }: LanguageSpec): number => block ?? model.context

/** One row of a dataset: what enters the model, and what it is compared with. */
export interface Row {
  x: { dtype: 'f32' | 'u8' | 'i32'; shape: number[] }
  y: { dtype: 'f32' | 'i32'; shape: number[] }
}

export function rowOf(spec: TrainingSpec): Row {
  const { inputShape, outputShape } = modelOf(spec)
  // The tokens, and which one follows each: −1 where that is not to be learnt.
  if (spec.task === 'language') {
    const shape = [blockOf(spec)]
    return { x: { dtype: 'i32', shape }, y: { dtype: 'i32', shape } }
  }
  return {
    x: { dtype: spec.input.dtype, shape: inputShape },
    y: spec.task === 'classification' ? { dtype: 'i32', shape: [] } : { dtype: 'f32', shape: outputShape },
  }
}
