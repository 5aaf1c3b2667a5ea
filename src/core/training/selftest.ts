import type { Data } from './data.ts'
import { initialWeights } from './parameters.ts'
import { seeded } from './random.ts'
import { type MlpSpec, referenceGradients } from './reference.ts'
import { freshState, openRunner } from './runner.ts'
import type { SessionOptions } from './session.ts'
import { f32, floats, type Tensors } from './tensor.ts'

/** Of the largest gradient; single precision leaves about a tenth of it. */
const TOLERANCE = 1e-4

export interface SelfTest {
  passed: boolean
  /** Largest difference to the reference, as a part of the largest gradient. */
  error: number
}

/**
 * Whether an engine's numbers can be trusted: the gradients of a small classifier and a small regressor against
 * central differences in double precision. Plain gradient descent with rate 1 shows them: g = w − w′.
 * @throws UserError `training/engine` when the engine cannot run at all
 */
export async function selfTest(options: SessionOptions): Promise<SelfTest> {
  const errors = []
  for (const task of ['classification', 'regression'] as const)
    errors.push(await gradientError(task, options))
  const error = Math.max(...errors)
  // NaN must not pass.
  return { passed: error <= TOLERANCE, error }
}

async function gradientError(task: MlpSpec['task'], options: SessionOptions): Promise<number> {
  const spec: MlpSpec = {
    recipe: 'mlp',
    model: { inputs: 7, hidden: [6, 5], outputs: 3 },
    task,
    input: { dtype: 'f32', scale: 1, shift: 0 },
    batch: 8,
    optimizer: { name: 'sgd', learningRate: 1, momentum: 0, weightDecay: 0 },
  }
  const weights = initialWeights(spec, 1)
  const data = sample(spec)
  const runner = await openRunner(spec, data, options)
  try {
    const { state } = await runner.run(
      freshState(spec, weights),
      Int32Array.from({ length: spec.batch }, (_, i) => i),
      0,
    )
    return difference(weights, state, referenceGradients(spec, weights, plain(data)))
  } finally {
    await runner.close()
  }
}

/** One batch of random rows with random answers. */
function sample(spec: MlpSpec): Data {
  const { batch: rows, model, task } = spec
  const random = seeded(2)
  const numbers = (n: number) => Float32Array.from({ length: n }, () => 2 * random.float() - 1)
  const x = f32([rows, model.inputs], numbers(rows * model.inputs))
  if (task === 'regression') return { rows, x, y: f32([rows, model.outputs], numbers(rows * model.outputs)) }
  const labels = Int32Array.from({ length: rows }, () => random.below(model.outputs))
  return { rows, x, y: { dtype: 'I32', shape: [rows], data: labels } }
}

const plain = ({ x, y }: Data) => ({
  x: Float64Array.from(x.data, Number),
  y: Float64Array.from(y.data, Number),
})

function difference(before: Tensors, after: Tensors, expected: Map<string, Float64Array>): number {
  let worst = 0
  let largest = 0
  for (const [name, gradient] of expected) {
    const [w, w1] = [before.get(name), after.get(name)]
    if (!w || !w1) return Number.NaN
    for (const [i, g] of gradient.entries()) {
      const found = (floats(w)[i] ?? Number.NaN) - (floats(w1)[i] ?? Number.NaN)
      worst = Math.max(worst, Math.abs(found - g))
      largest = Math.max(largest, Math.abs(g))
    }
  }
  return worst / largest
}
