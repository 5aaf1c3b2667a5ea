import { describe, expect, it } from 'vitest'
import { initialWeights, Reader, type TextArchitecture } from '../../training/index.ts'
import { withBiases } from './biases.ts'
import { architectureOf, textConfig } from './config.ts'

/** Llama 3.2's, as transformers 4 wrote it. */
const llama = {
  model_type: 'llama',
  vocab_size: 128_256,
  max_position_embeddings: 8192,
  hidden_size: 2048,
  intermediate_size: 8192,
  num_hidden_layers: 16,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  rms_norm_eps: 1e-5,
  head_dim: 64,
  tie_word_embeddings: true,
}
const scaling = {
  rope_type: 'llama3',
  factor: 32,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8192,
}

describe("Llama's config.json", () => {
  it.each([
    ['4', { rope_theta: 500_000, rope_scaling: scaling }],
    ['5', { rope_parameters: { ...scaling, rope_theta: 500_000 } }],
  ])('says the same as transformers %s writes it', (_, rope) => {
    expect(architectureOf(textConfig.parse({ ...llama, ...rope })).model).toMatchObject({
      theta: 500_000,
      scaling: { factor: 32, low: 1, high: 4, original: 8192 },
      keyValueHeads: 8,
      tied: true,
    })
  })

  it('may leave positions as they are', () => {
    const plain = { ...llama, rope_parameters: { rope_type: 'default', rope_theta: 7 } }
    const { model } = architectureOf(textConfig.parse(plain))
    expect(model).toMatchObject({ theta: 7 })
    expect(model).not.toHaveProperty('scaling')
  })

  it.each([
    ['heads of another width', { head_dim: 128 }, /head_dim/],
    [
      'another kind of stretching',
      { rope_parameters: { rope_type: 'yarn', rope_theta: 1 } },
      /rope_parameters/,
    ],
    ['biases', { attention_bias: true }, /attention_bias/],
  ])('is refused with %s', (_, wrong, message) => {
    expect(textConfig.safeParse({ ...llama, ...wrong }).error?.message).toMatch(message)
  })
})

it('gives a GPT without biases zeros in their place, which computes the same', async () => {
  const bare: TextArchitecture = {
    recipe: 'gpt',
    model: { vocabulary: 7, context: 5, width: 8, layers: 1, heads: 2, bias: false, activation: 'gelu' },
  }
  const written = withBiases(bare, initialWeights(bare, 1))
  expect(written.architecture.model).toMatchObject({ bias: true })
  expect(written.weights.size).toBe(16)
  const logits = async (architecture: TextArchitecture, weights: typeof written.weights) => {
    const reader = new Reader(architecture, weights, { threads: 1 })
    const found = await reader.read([1, 2, 3])
    await reader.close()
    return Array.from(found, x => x.toFixed(5))
  }
  expect(await logits(written.architecture, written.weights)).toEqual(
    await logits(bare, initialWeights(bare, 1)),
  )
})
