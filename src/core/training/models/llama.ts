import { z } from 'zod'
import {
  add,
  causalAttention,
  expand,
  fixed,
  gather,
  matmulTransposed,
  mul,
  type Rotation,
  reshape,
  rotary,
  rotationOf,
  silu,
  transpose,
  type Value,
} from '../graph/index.ts'
import { dropped, dropping } from '../layers/dropout.ts'
import { linear } from '../layers/linear.ts'
import type { Net } from '../layers/net.ts'
import { normParameters, rmsNormalised } from '../layers/norm.ts'
import type { Reading } from '../layers/reading.ts'
import type { Init, Model, Parameter } from './model.ts'

/** How Llama 3.1 stretches its positions (Hugging Face's `rope_scaling` of the type `llama3`). */
const scaling = z
  .object({
    factor: z.number().min(1).max(1024),
    /** Pairs that turn less often than this within `original` positions are slowed down by `factor`, */
    low: z.number().positive().max(1e6),
    /** those that turn more often than this stay, those between are in between. */
    high: z.number().positive().max(1e6),
    original: z.int().min(1).max(1_048_576),
  })
  .refine(({ low, high }) => low < high, { message: 'low must be below high', path: ['low'] })

export const llamaConfig = z
  .object({
    /** Number of tokens that the tokenizer knows. */
    vocabulary: z.int().min(2).max(1_048_576),
    /** Tokens that it sees at once, T. */
    context: z.int().min(1).max(65_536),
    /** Of a token inside the model. */
    width: z.int().min(1).max(16_384),
    /** Width of the feed-forward layers. */
    hidden: z.int().min(1).max(65_536),
    layers: z.int().min(1).max(128),
    heads: z.int().min(1).max(256),
    /** Heads of keys and values, each shared by `heads / keyValueHeads` queries (Ainslie et al. 2023, arXiv 2305.13245). */
    keyValueHeads: z.int().min(1).max(256),
    /** ε of the norms. */
    epsilon: z.number().positive().max(1),
    /** The slowest pair turns about once in 2π · theta positions. */
    theta: z.number().min(1).max(1e9),
    scaling: scaling.optional(),
    /** Whether the token embedding also gives the logits. */
    tied: z.boolean(),
  })
  .refine(({ width, heads }) => width % (2 * heads) === 0, {
    message: 'the heads must share the width evenly, each an even part',
    path: ['heads'],
  })
  .refine(({ heads, keyValueHeads }) => heads % keyValueHeads === 0, {
    message: 'the queries must share the heads of keys and values evenly',
    path: ['keyValueHeads'],
  })
export type LlamaConfig = z.infer<typeof llamaConfig>

const EMBEDDING = 'model.embed_tokens.weight'
const unbiased = { bias: false }

/**
 * Llama (Touvron et al. 2023, arXiv 2302.13971 and 2307.09288; Llama 3): pre-norm blocks with RMS norm, rotary positions,
 * grouped-query attention and SwiGLU. Parameters have Hugging Face's names and shapes: `model.embed_tokens.weight`,
 * `model.layers.0.self_attn.q_proj.weight` `[out, in]`, …, `lm_head.weight`.
 * `[n, T]` tokens → `[n, T, vocabulary]` logits of each next token.
 */
export const llama: Model<LlamaConfig> = {
  parameters: config => [
    { name: EMBEDDING, shape: [config.vocabulary, config.width], init: { normal: 0.02 } },
    ...Array.from({ length: config.layers }, (_, i) => blockParameters(`model.layers.${i}`, config)).flat(),
    ...normParameters('model.norm', config.width, unbiased),
    ...(config.tied ? [] : [matrix('lm_head', config.width, config.vocabulary)]),
  ],
  inputShape: ({ context }) => [context],
  outputShape: ({ context, vocabulary }) => [context, vocabulary],
  forward(net, config, tokens, reading) {
    const { width, layers, vocabulary, epsilon, tied } = config
    const [n = 0, positions = 0] = fixed(tokens.shape)
    const embedded = tokens.graph.scope('model.embed_tokens', () => net.rows(EMBEDDING, tokens))
    const rotation = rotationAt(config, embedded, positions, reading)
    let x = dropped(net, reshape(embedded, [n * positions, width]))
    for (let i = 0; i < layers; i++) x = block(net, `model.layers.${i}`, config, x, rotation, reading)
    x = rmsNormalised(net, 'model.norm', x, epsilon)
    const logits = tied
      ? x.graph.scope('lm_head', () => matmulTransposed(x, net.parameter(EMBEDDING)))
      : linear(net, 'lm_head', x, unbiased)
    return reshape(logits, [n, positions, vocabulary])
  },
}

/** Of all positions, or of those at which a reading stands. */
function rotationAt(
  config: LlamaConfig,
  { graph, dtype }: Value,
  positions: number,
  reading: Reading | undefined,
): Rotation {
  if (!reading) return rotationOf(graph, dtype, positions, frequencies(config))
  const { cos, sin } = rotationOf(graph, dtype, config.context, frequencies(config))
  return { cos: gather(cos, reading.positions), sin: gather(sin, reading.positions) }
}

/** `[n · T, width]` → the same */
function block(
  net: Net,
  name: string,
  config: LlamaConfig,
  x: Value,
  rotation: Rotation,
  reading: Reading | undefined,
): Value {
  const normed = rmsNormalised(net, `${name}.input_layernorm`, x, config.epsilon)
  const h = add(x, attention(net, `${name}.self_attn`, config, normed, rotation, reading))
  const again = rmsNormalised(net, `${name}.post_attention_layernorm`, h, config.epsilon)
  return add(h, feedForward(net, `${name}.mlp`, again))
}

function attention(
  net: Net,
  name: string,
  config: LlamaConfig,
  x: Value,
  rotation: Rotation,
  reading: Reading | undefined,
): Value {
  const { width, heads, keyValueHeads } = config
  const positions = Number(rotation.cos.shape[0])
  const n = Number(x.shape[0]) / positions
  const [q, k, v] = (['q_proj', 'k_proj', 'v_proj'] as const).map(part => {
    const mixed = linear(net, `${name}.${part}`, x, unbiased)
    const count = part === 'q_proj' ? heads : keyValueHeads
    return x.graph.scope(name, () =>
      transpose(reshape(mixed, [n, positions, count, width / heads]), [0, 2, 1, 3]),
    )
  })
  const y = x.graph.scope(name, () => {
    const [asked, keys] = [rotary(q!, rotation), rotary(k!, rotation)]
    const times = heads / keyValueHeads
    const attended = reading
      ? reading.attend(name, asked, keys, v!)
      : causalAttention(asked, shared(keys, times), shared(v!, times), dropping(net, asked))
    return reshape(transpose(attended, [0, 2, 1, 3]), [n * positions, width])
  })
  return dropped(net, linear(net, `${name}.o_proj`, y, unbiased))
}

/** Each head for `times` neighbouring queries: `[n, heads, T, d]` → `[n, heads · times, T, d]`. */
function shared(x: Value, times: number): Value {
  const [n = 0, heads = 0, positions = 0, d = 0] = fixed(x.shape)
  const apart = expand(reshape(x, [n, heads, 1, positions, d]), [n, heads, times, positions, d])
  return reshape(apart, [n, heads * times, positions, d])
}

/** SwiGLU (Shazeer 2020, arXiv 2002.05202). */
function feedForward(net: Net, name: string, x: Value): Value {
  const gate = linear(net, `${name}.gate_proj`, x, unbiased)
  const up = linear(net, `${name}.up_proj`, x, unbiased)
  const h = x.graph.scope(name, () => mul(silu(gate), up))
  return dropped(net, linear(net, `${name}.down_proj`, h, unbiased))
}

/** Radians per position of each pair: `θ^(−2i / d)`, stretched as Llama 3.1 does where the configuration says so. */
export function frequencies({ width, heads, theta, scaling }: LlamaConfig): number[] {
  const d = width / heads
  const plain = Array.from({ length: d / 2 }, (_, i) => theta ** ((-2 * i) / d))
  if (!scaling) return plain
  const { factor, low, high, original } = scaling
  return plain.map(frequency => {
    const turns = (original * frequency) / (2 * Math.PI)
    const kept = Math.min(1, Math.max(0, (turns - low) / (high - low)))
    return frequency * (kept + (1 - kept) / factor)
  })
}

function blockParameters(name: string, config: LlamaConfig): Parameter[] {
  const { width, heads, keyValueHeads, hidden, layers } = config
  const keys = (width / heads) * keyValueHeads
  // What is added to the residual stream begins smaller, for there are so many of them (GPT-2, section 2.3).
  const residual = { normal: 0.02 / Math.sqrt(2 * layers) }
  return [
    ...normParameters(`${name}.input_layernorm`, width, unbiased),
    matrix(`${name}.self_attn.q_proj`, width, width),
    matrix(`${name}.self_attn.k_proj`, width, keys),
    matrix(`${name}.self_attn.v_proj`, width, keys),
    matrix(`${name}.self_attn.o_proj`, width, width, residual),
    ...normParameters(`${name}.post_attention_layernorm`, width, unbiased),
    matrix(`${name}.mlp.gate_proj`, width, hidden),
    matrix(`${name}.mlp.up_proj`, width, hidden),
    matrix(`${name}.mlp.down_proj`, hidden, width, residual),
  ]
}

/** The weight of a linear layer without bias. */
const matrix = (name: string, from: number, to: number, init: Init = { normal: 0.02 }): Parameter => ({
  name: `${name}.weight`,
  shape: [to, from],
  init,
  linear: { inputs: from, outputs: to },
})
