import { elements, f32, modelOf, type Tensors, type TextArchitecture } from '../../training/index.ts'

/** Hugging Face's GPT-2 has biases: a model without them leaves with zeros in their place, which computes the same. */
export function withBiases(
  architecture: TextArchitecture,
  weights: Tensors,
): { architecture: TextArchitecture; weights: Tensors } {
  if (architecture.recipe !== 'gpt' || architecture.model.bias) return { architecture, weights }
  const biased: TextArchitecture = { recipe: 'gpt', model: { ...architecture.model, bias: true } }
  const all = modelOf(biased).parameters.map(
    ({ name, shape }) => [name, weights.get(name) ?? f32(shape, new Float32Array(elements(shape)))] as const,
  )
  return { architecture: biased, weights: new Map(all) }
}
