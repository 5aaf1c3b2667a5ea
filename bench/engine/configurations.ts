import { MCMAHAN, type TrainingSpec } from '../../src/core/training/index.ts'

/** A model whose training step is timed, as `peer.py` has it too, under the same name. */
export interface Configuration {
  spec(batch: number): TrainingSpec
  /** Batch sizes that are timed when none is asked for. */
  batches: readonly number[]
  /** PyTorch's time divided by ours should be at least this. */
  goal: number
  /** Whether TensorFlow.js can train it in WebAssembly; its time divided by ours should then be at least 10. */
  tensorflow: boolean
}

const optimizer = { name: 'sgd', learningRate: 0.01, momentum: 0, weightDecay: 0 } as const
const numbers = {
  task: 'classification',
  input: { dtype: 'f32', scale: 1, shift: 0 },
  optimizer,
} as const

/** nanoGPT without dropout and biases, with its AdamW, clipping included. */
const nanoGpt = (layers: number, heads: number, width: number, context: number) => (batch: number) =>
  ({
    recipe: 'gpt',
    model: { vocabulary: 65, context, width, layers, heads, bias: false, activation: 'gelu' },
    task: 'language',
    batch,
    optimizer: nanoGptAdamW(1e-3),
  }) satisfies TrainingSpec

/** nanoGPT's AdamW for characters: matrices decay, gradients are clipped. */
export const nanoGptAdamW = (learningRate: number) =>
  ({
    name: 'adamw',
    learningRate,
    beta1: 0.9,
    beta2: 0.99,
    epsilon: 1e-8,
    weightDecay: 0.1,
    decayed: 'matrices',
    clip: 1,
  }) as const

export const configurations: Readonly<Record<string, Configuration>> = {
  mlp: {
    spec: batch => ({
      recipe: 'mlp',
      model: { inputs: 784, hidden: [128], outputs: 10 },
      ...numbers,
      batch,
    }),
    batches: [64],
    goal: 2,
    tensorflow: true,
  },
  cnn: {
    spec: batch => ({ recipe: 'cnn', model: MCMAHAN, ...numbers, batch }),
    batches: [10, 64],
    goal: 1.25,
    // Its WebAssembly backend lacks the gradient of a convolution's kernel (Conv2DBackpropFilter).
    tensorflow: false,
  },
  'gpt-cpu': { spec: nanoGpt(4, 4, 128, 64), batches: [12], goal: 1.4, tensorflow: false },
  'gpt-gpu': { spec: nanoGpt(6, 6, 384, 256), batches: [4], goal: 1, tensorflow: false },
}
