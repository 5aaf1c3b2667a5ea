import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core'
import { describe, expect, it } from 'vitest'
import { judgeByPeer, tf } from '../graph/judges.test-support.ts'
import { netOf } from '../layers/net.ts'
import { parameterCount, parameters } from '../parameters.ts'
import { trainingSpec } from '../spec.ts'
import { frequencies, type LlamaConfig, llama } from './llama.ts'

const small: LlamaConfig = {
  vocabulary: 5,
  context: 6,
  width: 8,
  hidden: 7,
  layers: 2,
  heads: 4,
  keyValueHeads: 2,
  epsilon: 1e-5,
  theta: 50,
  tied: false,
}

/** Llama 3.2's one with 1.24 billion parameters. */
const published: LlamaConfig = {
  vocabulary: 128_256,
  context: 8192,
  width: 2048,
  hidden: 8192,
  layers: 16,
  heads: 32,
  keyValueHeads: 8,
  epsilon: 1e-5,
  theta: 500_000,
  scaling: { factor: 32, low: 1, high: 4, original: 8192 },
  tied: true,
}

/** The same model in TensorFlow.js, one sequence and one head at a time. */
function peer(config: LlamaConfig, tokens: number[], weight: (name: string) => Tensor): Tensor {
  const d = config.width / config.heads
  const norm = (x: Tensor, name: string) => {
    const size = tf.sqrt(tf.add(tf.mean(tf.square(x), -1, true), config.epsilon))
    return tf.mul(tf.div(x, size), weight(`${name}.weight`))
  }
  const linear = (x: Tensor, name: string) =>
    tf.matMul(x as Tensor2D, weight(`${name}.weight`) as Tensor2D, false, true)
  const head = (x: Tensor, i: number) => tf.slice(x, [0, i * d], [tokens.length, d])
  const turn = (x: Tensor) => {
    const angles = tokens.map((_, t) => frequencies(config).map(f => t * f))
    const both = tf.concat([tf.tensor2d(angles), tf.tensor2d(angles)], -1)
    const [a, b] = tf.split(x, 2, -1)
    return tf.add(tf.mul(x, tf.cos(both)), tf.mul(tf.concat([tf.neg(b!), a!], -1), tf.sin(both)))
  }
  const later = tf.tensor2d(tokens.map((_, i) => tokens.map((_, j) => (j > i ? -1e9 : 0))))
  const attention = (x: Tensor, name: string) => {
    const [q, k, v] = ['q', 'k', 'v'].map(part => linear(x, `${name}.${part}_proj`))
    const heads = Array.from({ length: config.heads }, (_, i) => {
      const own = Math.floor((i * config.keyValueHeads) / config.heads)
      const scores = tf.matMul(turn(head(q!, i)) as Tensor2D, turn(head(k!, own)) as Tensor2D, false, true)
      const chances = tf.softmax(tf.add(tf.div(scores, Math.sqrt(d)), later))
      return tf.matMul(chances as Tensor2D, head(v!, own) as Tensor2D)
    })
    return linear(tf.concat(heads, -1), `${name}.o_proj`)
  }
  const feedForward = (x: Tensor, name: string) => {
    const gate = linear(x, `${name}.gate_proj`)
    return linear(tf.mul(tf.mul(gate, tf.sigmoid(gate)), linear(x, `${name}.up_proj`)), `${name}.down_proj`)
  }
  let x = tf.gather(weight('model.embed_tokens.weight'), tokens)
  for (let i = 0; i < config.layers; i++) {
    const name = `model.layers.${i}`
    x = tf.add(x, attention(norm(x, `${name}.input_layernorm`), `${name}.self_attn`))
    x = tf.add(x, feedForward(norm(x, `${name}.post_attention_layernorm`), `${name}.mlp`))
  }
  return linear(norm(x, 'model.norm'), config.tied ? 'model.embed_tokens' : 'lm_head')
}

describe('Llama', () => {
  it("has the parameters of Hugging Face's LlamaForCausalLM", () => {
    const own = parameters({ recipe: 'llama', model: { ...small, layers: 1 } })
    expect(own.map(({ name, shape }) => `${name} ${shape}`)).toEqual([
      'model.embed_tokens.weight 5,8',
      'model.layers.0.input_layernorm.weight 8',
      'model.layers.0.self_attn.q_proj.weight 8,8',
      'model.layers.0.self_attn.k_proj.weight 4,8',
      'model.layers.0.self_attn.v_proj.weight 4,8',
      'model.layers.0.self_attn.o_proj.weight 8,8',
      'model.layers.0.post_attention_layernorm.weight 8',
      'model.layers.0.mlp.gate_proj.weight 7,8',
      'model.layers.0.mlp.up_proj.weight 7,8',
      'model.layers.0.mlp.down_proj.weight 8,7',
      'model.norm.weight 8',
      'lm_head.weight 5,8',
    ])
    // As its model card says: 1.23 billion.
    expect(parameterCount({ recipe: 'llama', model: published })).toBe(1_235_814_400)
  })

  it.each([
    ['own logits', small],
    ["the embedding's logits", { ...small, tied: true }],
    ['one head of keys', { ...small, keyValueHeads: 1 }],
    ['stretched positions', { ...small, scaling: { factor: 4, low: 1, high: 3, original: 60 } }],
  ])('with %s has the gradients of the same model in TensorFlow.js', async (_, model) => {
    const declared = parameters({ recipe: 'llama', model })
    const tokens = [3, 1, 4, 1, 0, 2]
    await judgeByPeer(
      {
        shapes: declared.map(({ shape }) => shape),
        ours: (...weights) => {
          const x = weights[0]!.graph.constant('i32', [1, 6], tokens)
          return llama.forward(netOf(weights.map((w, i) => [declared[i]!.name, w])), model, x)
        },
        peer: (...weights) => {
          const weight = (name: string) => weights[declared.findIndex(p => p.name === name)]!
          return tf.reshape(peer(model, tokens, weight), [1, 6, model.vocabulary])
        },
      },
      11,
    )
  })

  it('stretches positions as Llama 3.2 does', () => {
    // transformers' ROPE_INIT_FUNCTIONS['llama3'] for the published configuration.
    const found = frequencies(published)
    expect(found).toHaveLength(32)
    for (const [i, expected] of EXPECTED) expect(found[i]! / expected - 1).toBeCloseTo(0, 5)
  })

  it.each([
    ['widths that the heads cannot share', { width: 12 }, /share the width evenly/],
    ['queries that cannot share keys', { keyValueHeads: 3 }, /share the heads of keys/],
    [
      'a scaling that turns backwards',
      { scaling: { factor: 2, low: 4, high: 1, original: 9 } },
      /low must be below high/,
    ],
  ])('is refused with %s', (_, wrong, message) => {
    const optimizer = { name: 'sgd', learningRate: 0.1, momentum: 0, weightDecay: 0 }
    const spec = { recipe: 'llama', task: 'language', model: { ...small, ...wrong }, batch: 1, optimizer }
    expect(trainingSpec.safeParse(spec).error?.message).toMatch(message)
  })
})

/** Of some pairs, by transformers 5.23 in single precision. */
const EXPECTED: [number, number][] = [
  [0, 1],
  [8, 0.03760603070259094],
  [14, 0.0032114461064338684],
  [15, 0.0012905480107292533],
  [16, 0.000429556705057621],
  [17, 9.708286233944818e-5],
  [20, 8.570255886297673e-6],
  [31, 9.418306490260875e-8],
]
