import { z } from 'zod'
import { add, globalAveragePool, relu, type Value } from '../graph/index.ts'
import { conv, kernelParameter } from '../layers/conv.ts'
import { dropped } from '../layers/dropout.ts'
import { linear, linearParameters } from '../layers/linear.ts'
import type { Net } from '../layers/net.ts'
import { groupNormalised, normParameters } from '../layers/norm.ts'
import type { Model, Parameter } from './model.ts'

export const resnetConfig = z
  .object({
    /** Channels, height and width of a picture. */
    image: z.tuple([z.int().min(1).max(16), z.int().min(2).max(1024), z.int().min(2).max(1024)]),
    /** Blocks of each stage; every stage after the first halves the picture and doubles the channels. */
    blocks: z.array(z.int().min(1).max(64)).min(1).max(6),
    /** Channels of the first stage. */
    width: z.int().min(1).max(512),
    /** Groups of channels that are normalised together; divides `width`. */
    groups: z.int().min(1).max(512),
    outputs: z.int().min(1).max(65_536),
  })
  .refine(({ width, groups }) => width % groups === 0, {
    message: 'the groups must divide the width',
    path: ['groups'],
  })
export type ResnetConfig = z.infer<typeof resnetConfig>

/** ResNet-20 of He et al. 2016 (section 4.2) for pictures of 32 × 32. */
export const RESNET_20: ResnetConfig = {
  image: [3, 32, 32],
  blocks: [3, 3, 3],
  width: 16,
  groups: 8,
  outputs: 10,
}

/**
 * A residual network for small pictures (He et al. 2016, arXiv 1512.03385, section 4.2; shortcuts by projection where
 * shapes change), with torchvision's names. Norms are over groups of channels (Wu and He 2018, arXiv 1803.08494) and not
 * over the batch: batch norm's running statistics are no weights, so that averaging clients that saw different data, or
 * replaying a client's steps, would need rules of their own (Hsieh et al. 2020, arXiv 1910.00189). Dropout is before the
 * classifier.
 */
export const resnet: Model<ResnetConfig> = {
  parameters: config => [
    kernelParameter('conv1', config.image[0], config.width, 3),
    ...normParameters('bn1', config.width),
    ...blocksOf(config).flatMap(blockParameters),
    ...linearParameters('fc', config.width * 2 ** (config.blocks.length - 1), config.outputs),
  ],
  inputShape: ({ image }) => [...image],
  outputShape: ({ outputs }) => [outputs],
  forward(net, config, x) {
    const { groups } = config
    let h = relu(groupNormalised(net, 'bn1', conv(net, 'conv1', x), groups))
    for (const at of blocksOf(config)) h = x.graph.scope(at.name, () => block(net, at, h, groups))
    return linear(net, 'fc', dropped(net, globalAveragePool(h)))
  },
}

interface Block {
  /** `layer1.0`, as torchvision counts. */
  name: string
  inputs: number
  outputs: number
  stride: number
}

function blocksOf({ blocks, width }: ResnetConfig): Block[] {
  return blocks.flatMap((count, stage) => {
    const outputs = width * 2 ** stage
    return Array.from({ length: count }, (_, i): Block => {
      const first = i === 0 && stage > 0
      return {
        name: `layer${stage + 1}.${i}`,
        inputs: first ? outputs / 2 : outputs,
        outputs,
        stride: first ? 2 : 1,
      }
    })
  })
}

function block(net: Net, { name, stride }: Block, x: Value, groups: number): Value {
  const normalised = (norm: string, h: Value) => groupNormalised(net, `${name}.${norm}`, h, groups)
  const h = relu(normalised('bn1', conv(net, `${name}.conv1`, x, stride)))
  const y = normalised('bn2', conv(net, `${name}.conv2`, h))
  if (stride === 1) return relu(add(y, x))
  return relu(add(y, normalised('downsample.1', conv(net, `${name}.downsample.0`, x, stride))))
}

function blockParameters({ name, inputs, outputs, stride }: Block): Parameter[] {
  return [
    kernelParameter(`${name}.conv1`, inputs, outputs, 3),
    ...normParameters(`${name}.bn1`, outputs),
    kernelParameter(`${name}.conv2`, outputs, outputs, 3),
    ...normParameters(`${name}.bn2`, outputs),
    ...(stride === 1
      ? []
      : [
          kernelParameter(`${name}.downsample.0`, inputs, outputs, 1),
          ...normParameters(`${name}.downsample.1`, outputs),
        ]),
  ]
}
