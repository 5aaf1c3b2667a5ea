import { z } from 'zod'
import type { TextArchitecture } from '../../training/index.ts'
import { FORMAT, VERSION } from '../config.ts'

/** The files of a language model's folder besides config.json, under Hugging Face's names. */
export const TEXT_FILES = {
  weights: 'model.safetensors',
  tokenizer: 'tokenizer.json',
  tokenizerConfig: 'tokenizer_config.json',
  report: 'report.json',
  card: 'README.md',
} as const

/** Those of an adapter's folder, under PEFT's names, besides what we say of it ourselves: PEFT minds its own fields. */
export const ADAPTER_FILES = {
  ...TEXT_FILES,
  weights: 'adapter_model.safetensors',
  config: 'adapter_config.json',
} as const
export const ADAPTER_OWN = 'gradstr.json'

/** Of files in a folder, by their names. */
export const fileHashes = z.record(z.string(), z.object({ sha256: z.string(), size: z.number() }))
export type FileHashes = z.infer<typeof fileHashes>

/** How the documents were written that the model learned from: a chat model must be asked in the same way. */
export const layout = z.enum(['plain', 'completions', 'chat'])
export type TextLayout = z.infer<typeof layout>

/** What we add to Hugging Face's config.json: by it a folder of ours is known and a damaged file found. */
const ours = z.object({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  files: fileHashes,
  layout: layout.optional(),
})
export type OwnPart = z.infer<typeof ours>

const whole = z.int().positive()

/** GPT-2's config.json as `transformers` writes it, as far as it decides the arithmetic. */
const gpt2 = z
  .looseObject({
    model_type: z.literal('gpt2'),
    vocab_size: whole,
    n_positions: whole,
    n_embd: whole,
    n_layer: whole,
    n_head: whole,
    n_inner: z.int().nullish(),
    activation_function: z.enum(['gelu', 'gelu_new']).default('gelu_new'),
    layer_norm_epsilon: z.literal(1e-5).default(1e-5),
    gradstr: ours.optional(),
  })
  .refine(({ n_embd, n_inner }) => !n_inner || n_inner === 4 * n_embd, {
    message: 'only four times n_embd is supported',
    path: ['n_inner'],
  })

/** Llama 3.1's longer positions. */
const scaling = z.looseObject({
  rope_type: z.literal('llama3'),
  factor: z.number(),
  low_freq_factor: z.number(),
  high_freq_factor: z.number(),
  original_max_position_embeddings: whole,
})

/** The same in files of transformers 5, together with θ. */
const rope = z.discriminatedUnion('rope_type', [
  z.looseObject({ rope_type: z.literal('default'), rope_theta: z.number().positive() }),
  scaling.extend({ rope_theta: z.number().positive() }),
])

/** Llama's. */
const llamaFields = z.looseObject({
  model_type: z.literal('llama'),
  vocab_size: whole,
  max_position_embeddings: whole,
  hidden_size: whole,
  intermediate_size: whole,
  num_hidden_layers: whole,
  num_attention_heads: whole,
  num_key_value_heads: whole,
  rms_norm_eps: z.number().positive(),
  rope_theta: z.number().positive().default(10_000),
  rope_scaling: scaling.nullish(),
  rope_parameters: rope.nullish(),
  head_dim: whole.nullish(),
  hidden_act: z.literal('silu').default('silu'),
  attention_bias: z.literal(false).default(false),
  mlp_bias: z.literal(false).default(false),
  tie_word_embeddings: z.boolean().default(false),
  gradstr: ours.optional(),
})

const llama = llamaFields.refine(
  ({ head_dim, hidden_size, num_attention_heads }) =>
    !head_dim || head_dim * num_attention_heads === hidden_size,
  { message: 'heads must share hidden_size evenly', path: ['head_dim'] },
)

export const textConfig = z.discriminatedUnion('model_type', [gpt2, llama])
export type TextConfig = z.infer<typeof textConfig>
type Of<R extends TextArchitecture['recipe']> = Extract<TextArchitecture, { recipe: R }>['model']

export function architectureOf(config: TextConfig): TextArchitecture {
  if (config.model_type === 'llama') return { recipe: 'llama', model: llamaOf(config) }
  const model: Of<'gpt'> = {
    vocabulary: config.vocab_size,
    context: config.n_positions,
    width: config.n_embd,
    layers: config.n_layer,
    heads: config.n_head,
    bias: true,
    activation: config.activation_function,
  }
  return { recipe: 'gpt', model }
}

const llamaOf = (config: Extract<TextConfig, { model_type: 'llama' }>): Of<'llama'> => ({
  vocabulary: config.vocab_size,
  context: config.max_position_embeddings,
  width: config.hidden_size,
  hidden: config.intermediate_size,
  layers: config.num_hidden_layers,
  heads: config.num_attention_heads,
  keyValueHeads: config.num_key_value_heads,
  epsilon: config.rms_norm_eps,
  theta: config.rope_parameters?.rope_theta ?? config.rope_theta,
  tied: config.tie_word_embeddings,
  ...scalingIn(config),
})

function scalingIn({
  rope_parameters: both,
  rope_scaling,
}: Pick<z.infer<typeof llamaFields>, 'rope_parameters' | 'rope_scaling'>) {
  const found = both?.rope_type === 'llama3' ? both : rope_scaling
  return found ? { scaling: scalingOf(found) } : {}
}

const scalingOf = (rope: z.infer<typeof scaling>): NonNullable<Of<'llama'>['scaling']> => ({
  factor: rope.factor,
  low: rope.low_freq_factor,
  high: rope.high_freq_factor,
  original: rope.original_max_position_embeddings,
})

/** @param endOfText  the token's number, where there is one */
export function huggingFaceConfig(
  architecture: TextArchitecture,
  endOfText: number | undefined,
  gradstr: OwnPart,
): TextConfig {
  const shared = {
    vocab_size: architecture.model.vocabulary,
    bos_token_id: endOfText ?? null,
    eos_token_id: endOfText ?? null,
    torch_dtype: 'float32',
    gradstr,
  }
  return architecture.recipe === 'gpt'
    ? { ...shared, ...gpt2Config(architecture.model) }
    : { ...shared, ...llamaConfig(architecture.model) }
}

function gpt2Config(model: Of<'gpt'>) {
  if (!model.bias) throw new RangeError('Hugging Face’s GPT-2 has biases')
  return {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2' as const,
    n_positions: model.context,
    n_ctx: model.context,
    n_embd: model.width,
    n_layer: model.layers,
    n_head: model.heads,
    activation_function: model.activation,
    layer_norm_epsilon: 1e-5 as const,
    tie_word_embeddings: true,
  }
}

function llamaConfig(model: Of<'llama'>) {
  const { scaling } = model
  return {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama' as const,
    max_position_embeddings: model.context,
    hidden_size: model.width,
    intermediate_size: model.hidden,
    num_hidden_layers: model.layers,
    num_attention_heads: model.heads,
    num_key_value_heads: model.keyValueHeads,
    rms_norm_eps: model.epsilon,
    rope_theta: model.theta,
    ...(scaling && { rope_scaling: ropeOf(scaling) }),
    hidden_act: 'silu' as const,
    attention_bias: false as const,
    mlp_bias: false as const,
    tie_word_embeddings: model.tied,
  }
}

const ropeOf = (of: NonNullable<Of<'llama'>['scaling']>): z.infer<typeof scaling> => ({
  rope_type: 'llama3',
  factor: of.factor,
  low_freq_factor: of.low,
  high_freq_factor: of.high,
  original_max_position_embeddings: of.original,
})
