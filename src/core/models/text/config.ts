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

/** What we add to Hugging Face's config.json: by it a folder of ours is known and a damaged file found. */
const ours = z.object({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  files: z.record(z.string(), z.object({ sha256: z.string(), size: z.number() })),
})
export type OwnPart = z.infer<typeof ours>

const whole = z.int().positive()
/** GPT-2's config.json as `transformers` writes it, as far as it decides the arithmetic. */
const gpt2 = z.looseObject({
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
export const textConfig = gpt2.refine(({ n_embd, n_inner }) => !n_inner || n_inner === 4 * n_embd, {
  message: 'only four times n_embd is supported',
  path: ['n_inner'],
})
export type TextConfig = z.infer<typeof textConfig>

export function architectureOf(config: TextConfig): TextArchitecture {
  return {
    recipe: 'gpt',
    model: {
      vocabulary: config.vocab_size,
      context: config.n_positions,
      width: config.n_embd,
      layers: config.n_layer,
      heads: config.n_head,
      bias: true,
      activation: config.activation_function,
    },
  }
}

/** @param endOfText  the token's number, where there is one */
export function huggingFaceConfig(
  { model }: TextArchitecture,
  endOfText: number | undefined,
  gradstr: OwnPart,
): TextConfig {
  if (!model.bias) throw new RangeError('Hugging Face’s GPT-2 has biases')
  return {
    architectures: ['GPT2LMHeadModel'],
    model_type: 'gpt2',
    vocab_size: model.vocabulary,
    n_positions: model.context,
    n_ctx: model.context,
    n_embd: model.width,
    n_layer: model.layers,
    n_head: model.heads,
    activation_function: model.activation,
    layer_norm_epsilon: 1e-5,
    tie_word_embeddings: true,
    bos_token_id: endOfText ?? null,
    eos_token_id: endOfText ?? null,
    torch_dtype: 'float32',
    gradstr,
  }
}
