import type { Prepared, PreparedRows, PreparedText } from '../datasets/index.ts'
import type { Augment, Precision, TrainingSpec } from '../training/index.ts'
import { augmentedSpec } from './augment.ts'
import type { Base } from './base.ts'
import { fromBase, specOf, tuningRate } from './tuning.ts'

export const LOCAL_MODELS = ['mlp', 'cnn', 'resnet', 'gpt', 'llama'] as const
export type LocalModel = (typeof LOCAL_MODELS)[number]

/** What the person chose of the training; the rest follows from the dataset's kind and size. */
export interface Choices {
  model?: LocalModel
  steps?: number
  batch?: number
  learningRate?: number
  /** The part of the values that each step leaves out. */
  dropout?: number
  /** Of pictures: what becomes of them while training. */
  augment?: Augment
  /** Of a base of text: adapters to it are all that is trained. */
  adapter?: AdapterChoices
}

export interface AdapterChoices {
  rank: number
  /** What an adapter adds is scaled by alpha / rank. */
  alpha: number
  /** How the base's matrices are kept meanwhile. */
  base: Precision
}

export interface Recipe {
  spec: TrainingSpec
  steps: number
  /** Steps from one look at the holdout to the next. */
  every: number
}

const FEWEST_STEPS = 200
const MOST_STEPS = 10_000
const LOOKS = 20
/** Each look loads the engine anew. */
const FEWEST_BETWEEN = 25

/** Models that a dataset can be trained with, the usual one first. */
export function modelsFor(prepared: Prepared): readonly LocalModel[] {
  if (prepared.kind === 'text') return ['gpt', 'llama']
  return imageOf(prepared) ? ['cnn', 'resnet', 'mlp'] : ['mlp']
}

/**
 * A model, its training and how long, for a dataset.
 * @param choices.model  one of `modelsFor` @param base  what it begins with, of the dataset's kind
 * @throws UserError `local/too-large` when it is too large to train all of it; `local/augment`
 */
export function recipeOf(prepared: Prepared, choices: Choices, base?: Base): Recipe {
  const rows = prepared.rows - prepared.holdoutRows
  const [usual = 'mlp'] = modelsFor(prepared)
  const model = choices.model ?? usual
  const what = base ? fromBase(prepared, base, choices.adapter) : newModel(prepared, model)
  const batch = Math.min(rows, choices.batch ?? batchFor(prepared))
  const steps =
    choices.steps ?? clamp(Math.ceil((epochsFor(prepared) * rows) / batch), FEWEST_STEPS, MOST_STEPS)
  const rate = base ? tuningRate(base, choices.adapter) : rateFor(model)
  const optimizer = adamw(choices.learningRate ?? rate, steps, prepared.kind === 'text')
  const { dropout, augment } = choices
  const spec = specOf({ ...what, batch, optimizer, ...(dropout === undefined ? {} : { dropout }) }, base)
  return {
    spec: augment ? augmentedSpec(spec, augment) : spec,
    steps,
    every: Math.min(steps, Math.max(FEWEST_BETWEEN, Math.ceil(steps / LOOKS))),
  }
}

const clamp = (n: number, least: number, most: number): number => Math.max(least, Math.min(n, most))

/** Rows per step: of a text so many that about a thousand tokens are learned from at a time, as nanoGPT does on a CPU. */
function batchFor(prepared: Prepared): number {
  if (prepared.kind === 'text') return clamp(Math.round(1024 / prepared.block), 4, 64)
  return imageOf(prepared) ? 64 : 32
}

/** Small datasets bear more passes. */
function epochsFor(prepared: Prepared): number {
  if (prepared.kind === 'text') return 3
  return prepared.rows < 10_000 ? 20 : 5
}

const rateFor = (model: LocalModel): number => (model === 'mlp' ? 2e-3 : 1e-3)

/** AdamW with a warm-up and a cosine; for texts nanoGPT's settings. */
const adamw = (learningRate: number, steps: number, text: boolean) => ({
  name: 'adamw',
  learningRate,
  beta1: 0.9,
  beta2: text ? 0.99 : 0.999,
  epsilon: 1e-8,
  weightDecay: text ? 0.1 : 1e-2,
  decayed: 'matrices',
  clip: 1,
  schedule: { warmup: Math.min(100, Math.floor(steps / 10)), steps, least: 0.1 },
})

const newModel = (prepared: Prepared, model: LocalModel): object =>
  prepared.kind === 'text' ? textModel(prepared, model) : rowsModel(prepared, model)

function rowsModel(prepared: PreparedRows, model: LocalModel) {
  const { task, inputs, outputs, input } = prepared
  const image = imageOf(prepared)
  if (model === 'cnn' && image) {
    // McMahan et al. 2017; each convolution halves the picture, and what is left has about seven pixels a side.
    const halvings = clamp(Math.round(Math.log2(Math.min(image[1], image[2]) / 7)), 1, 4)
    const channels = [32, 64, 64, 64].slice(0, halvings)
    return { recipe: 'cnn', task, input, model: { image, channels, kernel: 5, hidden: [512], outputs } }
  }
  if (model === 'resnet' && image) {
    // ResNet-20 (He et al. 2016); each stage but the first halves the picture.
    const blocks = [3, 3, 3].slice(0, Math.max(1, Math.floor(Math.log2(Math.min(image[1], image[2])))))
    return { recipe: 'resnet', task, input, model: { image, blocks, width: 16, groups: 8, outputs } }
  }
  return { recipe: 'mlp', task, input, model: { inputs, hidden: image ? [200, 200] : [64, 64], outputs } }
}

/** A language model for so much text. @param recipe  `gpt` or `llama` */
export function textModel({ vocabulary, block, masked, tokens }: PreparedText, recipe: LocalModel) {
  const size = sizeFor(tokens.training)
  const shared = { vocabulary: Math.max(2, vocabulary), context: block, ...size }
  const model =
    recipe === 'llama'
      ? {
          ...shared,
          // SwiGLU has three matrices instead of two: two thirds of 4 · width make as many parameters (Shazeer 2020).
          ...{ hidden: 32 * Math.ceil((8 * size.width) / 3 / 32), keyValueHeads: size.heads },
          ...{ epsilon: 1e-5, theta: 10_000, tied: true },
        }
      : { ...shared, bias: true, activation: 'gelu_new' }
  return { recipe, task: 'language', masked, model }
}

/** Width, layers and heads for so many tokens: nanoGPT's for a CPU and for a GPU, and one for little text. */
function sizeFor(tokens: number) {
  if (tokens < 100_000) return { width: 64, layers: 2, heads: 2 }
  if (tokens < 20_000_000) return { width: 128, layers: 4, heads: 4 }
  return { width: 384, layers: 6, heads: 6 }
}

/** Channels, height and width of a dataset of pictures. */
function imageOf({
  inspection: { images },
  inputs,
}: Pick<PreparedRows, 'inspection' | 'inputs'>): [number, number, number] | undefined {
  return images && [inputs / (images.height * images.width), images.height, images.width]
}
