import type { Tensor } from '@tensorflow/tfjs-core'
import type { SpecOf } from '../spec.ts'
import { type Context, causalAttention, conv1d, dropped, layerNorm, linear, rmsNorm } from './layers.ts'

// Models of text: `[n, T]` tokens → `[n · T, vocabulary]` logits of each next token.

export function gpt(at: Context, config: SpecOf<'gpt'>['model'], tokens: Tensor): Tensor {
  const { tf, w } = at
  const { width, layers, bias, activation } = config
  const [n = 1, positions = 1] = tokens.shape
  const embedded = tf.gather(w('transformer.wte.weight'), tf.cast(tf.reshape(tokens, [-1]), 'int32'))
  const places = tf.slice(w('transformer.wpe.weight'), [0, 0], [positions, width])
  let x = tf.add(tf.reshape(embedded, [n, positions, width]), places)
  x = dropped(at, tf.reshape(x, [n * positions, width]))
  for (let i = 0; i < layers; i++) {
    const name = `transformer.h.${i}`
    x = tf.add(x, gptAttention(at, `${name}.attn`, config, layerNorm(at, `${name}.ln_1`, x, bias), n))
    const h = conv1d(at, `${name}.mlp.c_fc`, layerNorm(at, `${name}.ln_2`, x, bias), bias)
    x = tf.add(x, dropped(at, conv1d(at, `${name}.mlp.c_proj`, gelu(at, h, activation), bias)))
  }
  const y = layerNorm(at, 'transformer.ln_f', x, bias)
  return tf.matMul(y, w('transformer.wte.weight'), false, true)
}

function gptAttention(
  at: Context,
  name: string,
  { width, heads, bias }: SpecOf<'gpt'>['model'],
  x: Tensor,
  n: number,
): Tensor {
  const { tf } = at
  const parts = tf.split(conv1d(at, `${name}.c_attn`, x, bias), 3, -1)
  const [q, k, v] = parts.map(part =>
    tf.transpose(tf.reshape(part, [n, -1, heads, width / heads]), [0, 2, 1, 3]),
  )
  const y = tf.transpose(causalAttention(at, q!, k!, v!), [0, 2, 1, 3])
  return dropped(at, conv1d(at, `${name}.c_proj`, tf.reshape(y, [-1, width]), bias))
}

/** Hendrycks and Gimpel 2016 (arXiv 1606.08415): exact, or GPT-2's approximation by tanh. */
function gelu({ tf }: Context, x: Tensor, kind: 'gelu' | 'gelu_new'): Tensor {
  const bent =
    kind === 'gelu'
      ? tf.erf(tf.div(x, Math.SQRT2))
      : tf.tanh(tf.mul(tf.add(x, tf.mul(tf.pow(x, 3), 0.044715)), Math.sqrt(2 / Math.PI)))
  return tf.mul(tf.mul(x, 0.5), tf.add(bent, 1))
}

export function llama(at: Context, config: SpecOf<'llama'>['model'], tokens: Tensor): Tensor {
  const { tf, w } = at
  const { layers, epsilon, tied } = config
  const [n = 1] = tokens.shape
  const embedding = w('model.embed_tokens.weight')
  let x = dropped(at, tf.gather(embedding, tf.cast(tf.reshape(tokens, [-1]), 'int32')))
  for (let i = 0; i < layers; i++) {
    const name = `model.layers.${i}`
    const normed = rmsNorm(at, `${name}.input_layernorm`, x, epsilon)
    x = tf.add(x, llamaAttention(at, `${name}.self_attn`, config, normed, n))
    const h = rmsNorm(at, `${name}.post_attention_layernorm`, x, epsilon)
    const gate = linear(at, `${name}.mlp.gate_proj`, h, false)
    const swiglu = tf.mul(tf.mul(gate, tf.sigmoid(gate)), linear(at, `${name}.mlp.up_proj`, h, false))
    x = tf.add(x, dropped(at, linear(at, `${name}.mlp.down_proj`, swiglu, false)))
  }
  const y = rmsNorm(at, 'model.norm', x, epsilon)
  return tf.matMul(y, tied ? embedding : w('lm_head.weight'), false, true)
}

function llamaAttention(
  at: Context,
  name: string,
  config: SpecOf<'llama'>['model'],
  x: Tensor,
  n: number,
): Tensor {
  const { tf } = at
  const { width, heads, keyValueHeads } = config
  const [q, k, v] = (['q', 'k', 'v'] as const).map(part => {
    const mixed = linear(at, `${name}.${part}_proj`, x, false)
    const count = part === 'q' ? heads : keyValueHeads
    return tf.transpose(tf.reshape(mixed, [n, -1, count, width / heads]), [0, 2, 1, 3])
  })
  // Each head of keys and values serves neighbouring queries.
  const served = Array.from({ length: heads }, (_, i) => Math.floor((i * keyValueHeads) / heads))
  const shared = (part: Tensor) => tf.gather(part, tf.tensor1d(served, 'int32'), 1)
  const y = causalAttention(at, rotated(at, config, q!), shared(rotated(at, config, k!)), shared(v!))
  const mixed = tf.reshape(tf.transpose(y, [0, 2, 1, 3]), [-1, width])
  return dropped(at, linear(at, `${name}.o_proj`, mixed, false))
}

/** Rotary positions (Su et al. 2021, arXiv 2104.09864) with Hugging Face's halves: `[n, heads, T, d]`. */
function rotated({ tf }: Context, config: SpecOf<'llama'>['model'], x: Tensor): Tensor {
  const [, , positions = 1, d = 1] = x.shape
  const turn = Array.from({ length: d / 2 }, (_, i) => frequency(config, i, d))
  const angles = tf.tensor2d(Array.from({ length: positions }, (_, t) => [...turn, ...turn].map(f => t * f)))
  const [a, b] = tf.split(x, 2, -1)
  return tf.add(tf.mul(x, tf.cos(angles)), tf.mul(tf.concat([tf.neg(b!), a!], -1), tf.sin(angles)))
}

/** Radians per position of the `i`th pair, with Llama 3.1's stretching where the configuration has it. */
function frequency({ theta, scaling }: SpecOf<'llama'>['model'], i: number, d: number): number {
  const plain = 1 / theta ** ((2 * i) / d)
  if (!scaling) return plain
  const wavelength = (2 * Math.PI) / plain
  if (wavelength < scaling.original / scaling.high) return plain
  if (wavelength > scaling.original / scaling.low) return plain / scaling.factor
  const smooth = (scaling.original / wavelength - scaling.low) / (scaling.high - scaling.low)
  return ((1 - smooth) * plain) / scaling.factor + smooth * plain
}
