import type { Data } from '../data.ts'
import { outcomes } from '../layers/augment.ts'
import { AUGMENTED, drawn } from '../noise.ts'
import { initialWeights } from '../parameters.ts'
import { randomData } from '../random-data.ts'
import { freshState, openRunner, type RunnerOptions } from '../runner.ts'
import { augmentOf, type TrainingSpec } from '../spec.ts'
import { f32, floats, type Tensors } from '../tensor.ts'
import { firstMasks, type MlpSpec, movedPicture, referenceGradients } from './reference.ts'
import { TESTED } from './selftest-specs.ts'

/** Of the largest gradient; single precision leaves about a hundredth of it. */
const TOLERANCE = 1e-4
/** The same where differences of losses in single precision are the judge. */
const ROUGH = 1e-2
/** Of what is random in a step, the same for all who compute it. */
const SEED = 7

export interface SelfTest {
  passed: boolean
  /** Largest error, as a part of what is tolerated: up to 1 passes. */
  error: number
  /** The family of models with that error. */
  worst: TrainingSpec['recipe']
}

type Gradients = Map<string, ArrayLike<number>>

/**
 * Whether an engine's numbers can be trusted: gradients of small models of every family. Perceptrons are compared with
 * central differences in double precision, with dropout too. Of the other families, the CPU's gradients must foretell the
 * change of its losses, and all other engines' gradients must be the CPU's; of pictures that are mirrored and shifted those
 * of pictures that were so before.
 * @throws UserError `training/engine` when the engine cannot run at all
 */
export async function selfTest(options: RunnerOptions): Promise<SelfTest> {
  const errors: [TrainingSpec['recipe'], number][] = []
  const seeded = { ...options, seed: SEED }
  for (const spec of TESTED.plain) {
    const expected = referenceGradients(spec, initialWeights(spec, 1), plainBatch(spec))
    errors.push([spec.recipe, difference(await gradientsOf(spec, seeded), expected) / TOLERANCE])
  }
  for (const spec of TESTED.families) errors.push([spec.recipe, await familyError(spec, seeded)])
  // NaN is worse than any number, and must not pass.
  const worst = errors.reduce((a, b) => (Number.isNaN(a[1]) || a[1] >= b[1] ? a : b))
  return { passed: worst[1] <= 1, error: worst[1], worst: worst[0] }
}

/** As a part of what is tolerated. */
async function familyError(spec: TrainingSpec, options: RunnerOptions): Promise<number> {
  const found = await gradientsOf(spec, options)
  const own = (options.engine ?? 'cpu') === 'cpu'
  const slope = own ? (await slopeError(spec, found, options)) / ROUGH : 0
  if (own && !augmentOf(spec)) return slope
  return Math.max(slope, difference(found, await expectedOf(spec)) / TOLERANCE)
}

/** What the CPU computes: of pictures that were mirrored and shifted before, where the spec has it done in the step. */
function expectedOf(spec: TrainingSpec): Promise<Gradients> {
  const judge: RunnerOptions = { threads: 1, seed: SEED }
  if (!('image' in spec.model)) return gradientsOf(spec, judge)
  return gradientsOf({ ...spec, augment: undefined }, judge, movedData(spec, spec.model.image))
}

/** One step from the initial weights, or from weights moved along `direction`: the loss, and the weights after it. */
async function oneStep(
  spec: TrainingSpec,
  weights: Tensors,
  options: RunnerOptions,
  data = randomData(spec, spec.batch),
) {
  const runner = await openRunner(spec, data, freshState(spec, weights), options)
  try {
    const [loss = Number.NaN] = await runner.run(
      Int32Array.from({ length: spec.batch }, (_, i) => i),
      0,
    )
    return { loss, after: await runner.state() }
  } finally {
    await runner.close()
  }
}

async function gradientsOf(spec: TrainingSpec, options: RunnerOptions, data?: Data): Promise<Gradients> {
  const weights = initialWeights(spec, 1)
  const { after } = await oneStep(spec, weights, options, data)
  return new Map(
    [...weights].map(([name, w]) => {
      const moved = after.get(name)
      return [
        name,
        floats(w).map((value, i) => value - (moved ? (floats(moved)[i] ?? Number.NaN) : Number.NaN)),
      ]
    }),
  )
}

/** How far the loss's slope along the gradient is from the gradient's length, as a part of it. */
async function slopeError(spec: TrainingSpec, gradients: Gradients, options: RunnerOptions): Promise<number> {
  const length = Math.hypot(...[...gradients.values()].map(g => Math.hypot(...Array.from(g))))
  const reach = 0.002
  const lossAt = async (distance: number) => {
    const moved: Tensors = new Map(
      [...initialWeights(spec, 1)].map(([name, w]) => {
        const along = gradients.get(name)
        const at = (value: number, i: number) => value + (distance * (along?.[i] ?? Number.NaN)) / length
        return [name, f32(w.shape, floats(w).map(at))]
      }),
    )
    return (await oneStep(spec, moved, options)).loss
  }
  const slope = ((await lossAt(reach)) - (await lossAt(-reach))) / (2 * reach)
  return Math.abs(slope - length) / length
}

function plainBatch(spec: MlpSpec) {
  const { x, y } = randomData(spec, spec.batch)
  const batch = { x: Float64Array.from(x.data, Number), y: Float64Array.from(y.data, Number) }
  return spec.dropout ? { ...batch, masks: firstMasks(spec, SEED) } : batch
}

/** The pictures of a spec as its first step is to see them. */
function movedData(spec: TrainingSpec, image: readonly [number, number, number]): Data {
  const { batch, augment = {} } = spec
  const data = randomData(spec, batch)
  const pictures = data.x.data as Uint8Array | Float32Array // as specs of pictures have them
  const size = pictures.length / batch
  const draws = drawn({ seed: SEED, step: 0, place: AUGMENTED }, batch, outcomes(augment))
  for (let row = 0; row < batch; row++) {
    const picture = pictures.subarray(row * size, (row + 1) * size)
    picture.set(movedPicture(picture, image, draws.subarray(3 * row), augment.crop))
  }
  return data
}

/** Largest difference, as a part of the largest gradient. */
function difference(found: Gradients, expected: Gradients): number {
  let worst = 0
  let largest = 0
  for (const [name, gradient] of expected)
    for (let i = 0; i < gradient.length; i++) {
      const g = gradient[i] ?? Number.NaN
      const error = Math.abs((found.get(name)?.[i] ?? Number.NaN) - g)
      if (Number.isNaN(error)) return Number.NaN
      worst = Math.max(worst, error)
      largest = Math.max(largest, Math.abs(g))
    }
  return worst / largest
}
