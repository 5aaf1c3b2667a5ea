import { z } from 'zod'
import { flatten, relu } from '../graph/index.ts'
import { convParameters, pooledConv } from '../layers/conv.ts'
import { dropped } from '../layers/dropout.ts'
import { linear, linearParameters } from '../layers/linear.ts'
import type { Model } from './model.ts'

export const cnnConfig = z
  .object({
    /** Channels, height and width of a picture. */
    image: z.tuple([z.int().min(1).max(16), z.int().min(2).max(1024), z.int().min(2).max(1024)]),
    /** Channels after each convolution; each halves height and width. */
    channels: z.array(z.int().min(1).max(1024)).min(1).max(8),
    /** Height and width of the convolutions' kernels. */
    kernel: z.union([z.literal(3), z.literal(5), z.literal(7)]),
    /** Widths of the dense layers between the convolutions and the outputs. */
    hidden: z.array(z.int().min(1).max(65_536)).max(8),
    outputs: z.int().min(1).max(65_536),
  })
  .refine(({ image: [, h, w], channels }) => Math.min(h, w) >> channels.length >= 1, {
    message: 'each convolution halves the picture: it is too small for so many',
    path: ['channels'],
  })
export type CnnConfig = z.infer<typeof cnnConfig>

/** The MNIST network of McMahan et al. 2017 (arXiv 1602.05629, section 3): 1,663,370 parameters. */
export const MCMAHAN: CnnConfig = {
  image: [1, 28, 28],
  channels: [32, 64],
  kernel: 5,
  hidden: [512],
  outputs: 10,
}

/**
 * Convolutions, each with ReLU and 2×2 max pooling, then dense layers. Numbered as in a PyTorch `Sequential` of
 * `Conv2d`, `ReLU`, `MaxPool2d`, …, `Flatten`, `Linear`, `ReLU`, …, `Linear`: `0.weight`, `3.weight`, `7.weight`, …
 * Dropout is where VGG has it (Simonyan and Zisserman 2015): what enters a dense layer after the first, or else the only one.
 */
export const cnn: Model<CnnConfig> = {
  parameters(config) {
    const [channels] = config.image
    const filters = [channels, ...config.channels]
    const widths = [flat(config), ...config.hidden, config.outputs]
    return [
      ...config.channels.flatMap((to, i) => convParameters(`${3 * i}`, filters[i] ?? 1, to, config.kernel)),
      ...widths.slice(1).flatMap((to, i) => linearParameters(dense(config, i), widths[i] ?? 1, to)),
    ]
  },
  inputShape: ({ image }) => [...image],
  outputShape: ({ outputs }) => [outputs],
  forward(net, config, x) {
    let h = x
    for (let i = 0; i < config.channels.length; i++) h = relu(pooledConv(net, `${3 * i}`, h))
    h = config.hidden.length > 0 ? flatten(h) : dropped(net, flatten(h))
    for (let i = 0; i < config.hidden.length; i++) h = dropped(net, relu(linear(net, dense(config, i), h)))
    return linear(net, dense(config, config.hidden.length), h)
  },
}

/** The name of the `i`th dense layer. */
const dense = ({ channels }: CnnConfig, i: number): string => `${3 * channels.length + 1 + 2 * i}`

/** Numbers that leave the convolutions. */
const flat = ({ image: [, h, w], channels }: CnnConfig): number =>
  (channels.at(-1) ?? 1) * (h >> channels.length) * (w >> channels.length)
