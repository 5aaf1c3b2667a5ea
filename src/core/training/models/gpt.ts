import { z } from 'zod'
import {
  add,
  causalAttention,
  fixed,
  gather,
  gelu,
  geluTanh,
  matmulTransposed,
  reshape,
  slice,
  split,
  transpose,
  type Value,
} from '../graph/index.ts'
import { dropped, dropping } from '../layers/dropout.ts'
import { conv1d, conv1dParameters } from '../layers/linear.ts'
import type { Net } from '../layers/net.ts'
import { normalised, normParameters } from '../layers/norm.ts'
import type { Reading } from '../layers/reading.ts'
import type { Model, Parameter } from './model.ts'

export const gptConfig = z
  .object({
    /** Number of tokens that the tokenizer knows. */
    vocabulary: z.int().min(2).max(1_048_576),
    /** Tokens that it sees at once, T. */
    context: z.int().min(1).max(65_536),
    /** Of a token inside the model, C. */
    width: z.int().min(1).max(16_384),
    layers: z.int().min(1).max(128),
    heads: z.int().min(1).max(256),
    /** Whether linear layers and norms have biases, as GPT-2's do. */
    bias: z.boolean(),
    /** By the error function, or by tanh, as GPT-2's. */
    activation: z.enum(['gelu', 'gelu_new']),
  })
  .refine(({ width, heads }) => width % heads === 0, { message: 'the heads must share the width evenly' })
export type GptConfig = z.infer<typeof gptConfig>

/**
 * GPT-2 (Radford et al. 2019) as nanoGPT writes it: pre-norm blocks, learnt positions, logits by the token embedding.
 * Parameters have Hugging Face's names and shapes: `transformer.wte.weight`, `transformer.h.0.attn.c_attn.weight`, …
 * `[n, T]` tokens → `[n, T, vocabulary]` logits of each next token.
 */
export const gpt: Model<GptConfig> = {
  parameters: config => [
    { name: 'transformer.wte.weight', shape: [config.vocabulary, config.width], init: { normal: 0.02 } },
    { name: 'transformer.wpe.weight', shape: [config.context, config.width], init: { normal: 0.02 } },
    ...Array.from({ length: config.layers }, (_, i) => blockParameters(`transformer.h.${i}`, config)).flat(),
    ...normParameters('transformer.ln_f', config.width, config),
  ],
  inputShape: ({ context }) => [context],
  outputShape: ({ context, vocabulary }) => [context, vocabulary],
  forward(net, config, tokens, reading) {
    const { width, layers, vocabulary } = config
    const [n = 0, positions = 0] = fixed(tokens.shape)
    const embedded = tokens.graph.scope('transformer.wte', () => net.rows('transformer.wte.weight', tokens))
    const places = net.parameter('transformer.wpe.weight')
    const placed = add(embedded, reading ? gather(places, reading.positions) : beginning(places, positions))
    let x = dropped(net, reshape(placed, [n * positions, width]))
    for (let i = 0; i < layers; i++) x = block(net, `transformer.h.${i}`, config, x, positions, reading)
    x = normalised(net, 'transformer.ln_f', x, config)
    const logits = x.graph.scope('lm_head', () =>
      matmulTransposed(x, net.parameter('transformer.wte.weight')),
    )
    return reshape(logits, [n, positions, vocabulary])
  },
}

/** The first rows: a text may be shorter than what the model can see at once. */
const beginning = (places: Value, rows: number): Value =>
  places.shape[0] === rows ? places : slice(places, { axis: 0, start: 0, end: rows })

/** `[n · T, width]` → the same */
function block(
  net: Net,
  name: string,
  config: GptConfig,
  x: Value,
  positions: number,
  reading: Reading | undefined,
): Value {
  const normed = normalised(net, `${name}.ln_1`, x, config)
  const h = add(x, attention(net, `${name}.attn`, config, normed, positions, reading))
  return add(h, feedForward(net, `${name}.mlp`, config, normalised(net, `${name}.ln_2`, h, config)))
}

function attention(
  net: Net,
  name: string,
  config: GptConfig,
  x: Value,
  positions: number,
  reading: Reading | undefined,
): Value {
  const { width, heads } = config
  const n = Number(x.shape[0]) / positions
  const mixed = conv1d(net, `${name}.c_attn`, x, config)
  const y = x.graph.scope(name, () => {
    // One transposition brings query, key and value apart and the heads in front.
    const apart = transpose(reshape(mixed, [n, positions, 3, heads, width / heads]), [2, 0, 3, 1, 4])
    const [q, k, v] = split(apart, [1, 1, 1], 0).map(part =>
      reshape(part, [n, heads, positions, width / heads]),
    )
    const attended = reading
      ? reading.attend(name, q!, k!, v!)
      : causalAttention(q!, k!, v!, dropping(net, q!))
    return reshape(transpose(attended, [0, 2, 1, 3]), [n * positions, width])
  })
  return dropped(net, conv1d(net, `${name}.c_proj`, y, config))
}

function feedForward(net: Net, name: string, config: GptConfig, x: Value): Value {
  const activate = config.activation === 'gelu' ? gelu : geluTanh
  const h = conv1d(net, `${name}.c_fc`, x, config)
  const activated = x.graph.scope(name, () => activate(h))
  return dropped(net, conv1d(net, `${name}.c_proj`, activated, config))
}

function blockParameters(name: string, config: GptConfig): Parameter[] {
  const { width, layers } = config
  const usual = { normal: 0.02 }
  // What is added to the residual stream begins smaller, for there are so many of them (GPT-2, section 2.3).
  const residual = { normal: 0.02 / Math.sqrt(2 * layers) }
  return [
    ...normParameters(`${name}.ln_1`, width, config),
    ...conv1dParameters(`${name}.attn.c_attn`, width, 3 * width, usual, config),
    ...conv1dParameters(`${name}.attn.c_proj`, width, width, residual, config),
    ...normParameters(`${name}.ln_2`, width, config),
    ...conv1dParameters(`${name}.mlp.c_fc`, width, 4 * width, usual, config),
    ...conv1dParameters(`${name}.mlp.c_proj`, 4 * width, width, residual, config),
  ]
}
