import { UserError } from '../../shared/errors.ts'
import type { Architecture } from './models/index.ts'
import { parameters } from './parameters.ts'
import { readSafetensors } from './safetensors/index.ts'
import { floats, sameShape, type Tensors } from './tensor.ts'

function refuse(where: string, what: string): never {
  throw new UserError('training/weights', {
    message: `These weights do not belong to this model: ${what}.`,
    fix: 'Use the weights file of this job, or begin again from new weights.',
    where,
  })
}

/**
 * Checks that the weights are the model's: every parameter, nothing else, float32, finite.
 * @param where  the file they came from, for the message
 * @throws UserError `training/weights`
 */
export function checkWeights(spec: Architecture, weights: Tensors, where: string): void {
  const expected = parameters(spec)
  for (const { name, shape } of expected) {
    const tensor = weights.get(name)
    if (!tensor) refuse(where, `"${name}" is missing`)
    if (tensor.dtype !== 'F32' || !sameShape(tensor.shape, shape))
      refuse(where, `"${name}" is ${tensor.dtype} [${tensor.shape}], the model has F32 [${shape}]`)
    if (!floats(tensor).every(Number.isFinite)) refuse(where, `"${name}" holds values that are not numbers`)
  }
  const extra = [...weights.keys()].find(name => !expected.some(p => p.name === name))
  if (extra !== undefined) refuse(where, `the model has no "${extra}"`)
}

/** @throws UserError `training/weights`, `training/safetensors` */
export async function readWeights(spec: Architecture, path: string): Promise<Tensors> {
  const weights = await readSafetensors(path)
  checkWeights(spec, weights, path)
  return weights
}
