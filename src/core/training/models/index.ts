import type { z } from 'zod'
import type { Value } from '../graph/index.ts'
import { type AdapterConfig, adapterParameters } from '../layers/lora.ts'
import type { Net } from '../layers/net.ts'
import type { Reading } from '../layers/reading.ts'
import { cnn, cnnConfig } from './cnn.ts'
import { gpt, gptConfig } from './gpt.ts'
import { llama, llamaConfig } from './llama.ts'
import { mlp, mlpConfig } from './mlp.ts'
import type { Model, Parameter } from './model.ts'
import { resnet, resnetConfig } from './resnet.ts'

export type { Init, Model, Parameter } from './model.ts'

/** The configuration of each family, under the name by which specs call it. */
export const configs = {
  mlp: mlpConfig,
  cnn: cnnConfig,
  resnet: resnetConfig,
  gpt: gptConfig,
  llama: llamaConfig,
} as const
export type Recipe = keyof typeof configs
type ConfigOf<R extends Recipe> = z.infer<(typeof configs)[R]>

const models: { [R in Recipe]: Model<ConfigOf<R>> } = { mlp, cnn, resnet, gpt, llama }

/** A family and its configuration: what decides the parameters' names and shapes. */
export type Architecture = {
  [R in Recipe]: { recipe: R; model: ConfigOf<R>; adapter?: AdapterConfig | undefined }
}[Recipe]

/** Families of models of text: their configurations have a `vocabulary` and a `context`. */
export type TextArchitecture = Extract<Architecture, { model: { vocabulary: number; context: number } }>

/** A model with its configuration filled in. */
export interface BoundModel {
  /** What is trained: with an adapter, its matrices alone. */
  parameters: Parameter[]
  /** What is not: with an adapter, all of the base. */
  frozen: Parameter[]
  inputShape: number[]
  outputShape: number[]
  forward(net: Net, x: Value, reading?: Reading): Value
}

export function modelOf({ recipe, model, adapter }: Architecture): BoundModel {
  const family = models[recipe] as Model<unknown> // the configuration beside it is the family's own
  const own = family.parameters(model)
  return {
    parameters: adapter ? adapterParameters(own, adapter) : own,
    frozen: adapter ? own : [],
    inputShape: family.inputShape(model),
    outputShape: family.outputShape(model),
    forward: (net, x, reading) => family.forward(net, model, x, reading),
  }
}
