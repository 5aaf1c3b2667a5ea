import type { TrainingSpec } from '../spec.ts'
import type { MlpSpec } from './reference.ts'

/** Plain gradient descent with rate 1 shows the gradients: g = w − w′. */
const shown = {
  batch: 8,
  optimizer: { name: 'sgd', learningRate: 1, momentum: 0, weightDecay: 0 },
} as const

const numbers = { dtype: 'f32', scale: 1, shift: 0 } as const

/** Small models whose gradients a second implementation gives in double precision. */
export const PLAIN: readonly MlpSpec[] = (['classification', 'regression'] as const).map(task => ({
  recipe: 'mlp',
  model: { inputs: 7, hidden: [6, 5], outputs: 3 },
  task,
  input: numbers,
  ...shown,
}))

/** Small models that have the operations of all others. A family's line is added with the family. */
export const FAMILIES: readonly TrainingSpec[] = [
  {
    recipe: 'cnn',
    model: { image: [2, 9, 8], channels: [3, 4], kernel: 5, hidden: [5], outputs: 3 },
    task: 'classification',
    input: { dtype: 'u8', scale: 1 / 255, shift: -0.5 },
    ...shown,
  },
  {
    recipe: 'gpt',
    model: { vocabulary: 11, context: 6, width: 8, layers: 1, heads: 2, bias: true, activation: 'gelu_new' },
    task: 'language',
    ...shown,
  },
  {
    recipe: 'resnet',
    model: { image: [1, 4, 4], blocks: [1, 1], width: 2, groups: 2, outputs: 3 },
    task: 'classification',
    input: numbers,
    ...shown,
  },
  {
    recipe: 'llama',
    model: {
      vocabulary: 11,
      context: 6,
      width: 8,
      hidden: 7,
      layers: 1,
      heads: 2,
      keyValueHeads: 1,
      epsilon: 1e-5,
      theta: 100,
      tied: false,
    },
    task: 'language',
    ...shown,
  },
]

/** What a self-test has computed: the same with what is random in a step, in one perceptron, in GPT's attention, of pictures. */
export const TESTED = {
  plain: PLAIN.map((spec): MlpSpec => (spec.task === 'classification' ? { ...spec, dropout: 0.3 } : spec)),
  families: FAMILIES.map((spec): TrainingSpec => {
    if (spec.recipe === 'cnn') return { ...spec, augment: { flip: true, crop: 2 } }
    return spec.recipe === 'gpt' ? { ...spec, dropout: 0.3 } : spec
  }),
}
