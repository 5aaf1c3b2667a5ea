import { UserError } from '../../../shared/errors.ts'
import type { Prepared, PreparedRows, PreparedText } from '../../datasets/index.ts'
import { augmentedSpec, type LocalModel, modelsFor, textModel } from '../../local/index.ts'
import { type Augment, type JobSpec, jobSpec } from '../../training/index.ts'

/** Local steps of a round are at least so many: below it the transfers would cost more than the work. */
const fewestSteps = 100
/** Passes over its shard that a provider makes in a full round. */
const epochs = 2
/** Tokens of a step of a language model, as in nanoGPT's configuration for a CPU. */
const tokensPerStep = 1024

const momentum = { name: 'sgd', learningRate: 0.05, momentum: 0.9, weightDecay: 1e-4 }
const adamw = { name: 'adamw', beta1: 0.9, epsilon: 1e-8 }

/** What the person chose. */
interface Choices {
  dataset: string
  model?: LocalModel
  dropout?: number
  augment?: Augment
}

/**
 * The model and its training for a dataset, in every round from the beginning: no schedule goes on from round to round.
 * @throws UserError `job/model` when the dataset is of another kind; `local/augment`
 */
export function recipeFor(prepared: Prepared, choices: Choices): JobSpec {
  const { dataset, model, dropout, augment } = choices
  const fitting = modelsFor(prepared)
  if (model !== undefined && !fitting.includes(model)) throw unfit(model, fitting, dataset)
  const rows = Math.min(...prepared.shards.map(shard => shard.rows))
  const spec = jobSpec.parse({
    ...(prepared.kind === 'text' ? ofText(prepared, rows, model ?? 'gpt') : ofRows(prepared, rows, choices)),
    ...(dropout === undefined ? {} : { dropout }),
  })
  return augment ? jobSpec.parse(augmentedSpec(spec, augment)) : spec
}

/** Local steps of a full round. @param rows  of the smallest shard */
export const stepsFor = (spec: JobSpec, rows: number): number =>
  Math.max(fewestSteps, epochs * Math.ceil(rows / spec.batch))

const batchOf = (most: number, rows: number): number => Math.max(1, Math.min(most, rows))

/** AdamW at nanoGPT's rate, with its clipping. */
const ofText = (prepared: PreparedText, rows: number, model: LocalModel): object => ({
  ...textModel(prepared, model),
  batch: batchOf(Math.max(4, Math.min(64, Math.round(tokensPerStep / prepared.block))), rows),
  optimizer: { ...adamw, learningRate: 1e-3, beta2: 0.99, weightDecay: 0.1, decayed: 'matrices', clip: 1 },
})

function ofRows(prepared: PreparedRows, rows: number, { model, augment }: Choices): object {
  const { task, inputs, outputs, input, image } = prepared
  const shared = { task, input, batch: batchOf(image ? 64 : 32, rows) }
  // To a perceptron a shifted picture is another one.
  const usual = image && (augment ? 'cnn' : usualFor(image))
  if (image && (model ?? usual) !== 'mlp')
    return { ...shared, ...ofPictures(prepared, image, model ?? 'cnn') }
  // Pictures get the 2NN of McMahan et al. 2017, tables a smaller one with AdamW, which forgives features of different scales.
  const hidden = image ? [200, 200] : [64, 64]
  const optimizer = image ? momentum : { ...adamw, learningRate: 2e-3, beta2: 0.999, weightDecay: 1e-2 }
  return { ...shared, recipe: 'mlp', model: { inputs, hidden, outputs }, optimizer }
}

type Picture = NonNullable<PreparedRows['image']>

/** Of small grey pictures in the middle, such as digits, a perceptron learns nearly as much for a fifth of the price. */
const usualFor = ({ width, height, channels }: Picture): LocalModel =>
  channels === 1 && width * height <= 32 * 32 ? 'mlp' : 'cnn'

/** Smaller than where nobody is paid by the operation: each halving of the picture doubles the channels. */
function ofPictures(
  { outputs }: PreparedRows,
  { width, height, channels }: Picture,
  model: LocalModel,
): object {
  const image = [channels, height, width]
  const halvings = Math.max(1, Math.min(3, Math.round(Math.log2(Math.min(width, height) / 7))))
  const doubling = (first: number) => Array.from({ length: halvings }, (_, i) => first * 2 ** i)
  if (model === 'resnet')
    return {
      recipe: 'resnet',
      model: { image, blocks: doubling(1).map(() => 2), width: 16, groups: 8, outputs },
      optimizer: momentum,
    }
  return {
    recipe: 'cnn',
    model: { image, channels: doubling(16), kernel: 3, hidden: [64], outputs },
    optimizer: { ...momentum, learningRate: 0.02, clip: 1 },
  }
}

const unfit = (model: string, fitting: readonly string[], where: string): UserError =>
  new UserError('job/model', {
    message: `"${model}" does not learn from this kind of dataset.`,
    fix: `Leave --model out, or choose ${fitting.join(' or ')}.`,
    where,
  })
