import { type Architecture, type Init, modelOf, type Parameter } from './models/index.ts'
import { type Random, seeded } from './random.ts'
import { elements, f32, type Tensors } from './tensor.ts'

export type { Parameter }

/** The model's parameters, in the order in which files list them. */
export const parameters = (architecture: Architecture): Parameter[] => modelOf(architecture).parameters

export function parameterCount(architecture: Architecture): number {
  return parameters(architecture).reduce((sum, { shape }) => sum + elements(shape), 0)
}

/** Initial weights, as each model declares them. The same seed gives the same bytes on every machine. */
export function initialWeights(architecture: Architecture, seed: number): Tensors {
  const random = seeded(seed)
  return new Map(
    parameters(architecture).map(({ name, shape, init }) => {
      const draw = drawing(init, random)
      return [name, f32(shape, Float32Array.from({ length: elements(shape) }, draw))]
    }),
  )
}

function drawing(init: Init, random: Random): () => number {
  if ('constant' in init) return () => init.constant
  if ('uniform' in init) return () => (2 * random.float() - 1) * init.uniform
  return () => init.normal * normal(random)
}

/**
 * A standard normal deviate by Marsaglia's polar method (1964). `Math.log` may differ in the last bit between
 * machines; the result is a float32, which nearly always hides it, and weights travel as bytes, never as seeds.
 */
function normal(random: Random): number {
  for (;;) {
    const [u, v] = [2 * random.float() - 1, 2 * random.float() - 1]
    const s = u * u + v * v
    if (s > 0 && s < 1) return u * Math.sqrt((-2 * Math.log(s)) / s)
  }
}
