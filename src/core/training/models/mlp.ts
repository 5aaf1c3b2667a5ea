import { z } from 'zod'
import { relu } from '../graph/index.ts'
import { dropped } from '../layers/dropout.ts'
import { linear, linearParameters } from '../layers/linear.ts'
import type { Model } from './model.ts'

export const mlpConfig = z.object({
  inputs: z.int().min(1).max(1_048_576),
  /** Widths of the hidden layers; none makes a linear model. */
  hidden: z.array(z.int().min(1).max(65_536)).max(16),
  outputs: z.int().min(1).max(65_536),
})
export type MlpConfig = z.infer<typeof mlpConfig>

/**
 * A multi-layer perceptron: linear layers with ReLU between them. They are numbered as in a PyTorch `Sequential`, in
 * which each ReLU counts too: `0.weight`, `0.bias`, `2.weight`, …
 */
export const mlp: Model<MlpConfig> = {
  parameters(config) {
    const widths = widthsOf(config)
    return widths
      .slice(1)
      .flatMap((outputs, i) => linearParameters(`${2 * i}`, widths[i] ?? config.inputs, outputs))
  },
  inputShape: ({ inputs }) => [inputs],
  outputShape: ({ outputs }) => [outputs],
  forward(net, { hidden }, x) {
    let h = x
    for (let i = 0; i < hidden.length; i++) h = dropped(net, relu(linear(net, `${2 * i}`, h)))
    return linear(net, `${2 * hidden.length}`, h)
  },
}

/** Layer widths from input to output, e.g. [784, 128, 10]. */
export const widthsOf = ({ inputs, hidden, outputs }: MlpConfig): number[] => [inputs, ...hidden, outputs]
