import { describe, expect, it } from 'vitest'
import { Batches } from '../batches.ts'
import { FAMILIES, PLAIN } from '../engines/selftest-specs.ts'
import { loadTensorFlow } from '../graph/tensorflow.test-support.ts'
import { initialWeights } from '../parameters.ts'
import { randomData } from '../random-data.ts'
import { freshState, openRunner } from '../runner.ts'
import type { TrainingSpec } from '../spec.ts'
import { floats } from '../tensor.ts'
import { openTensorFlowRunner } from './runner.ts'

const tf = loadTensorFlow()
const schedule = { warmup: 5, steps: 60, least: 0.1 }
const adamw: TrainingSpec['optimizer'] = {
  name: 'adamw',
  learningRate: 0.02,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-6,
  weightDecay: 0.1,
  decayed: 'matrices',
  clip: 1,
  schedule,
}
const sgd: TrainingSpec['optimizer'] = {
  name: 'sgd',
  learningRate: 0.05,
  momentum: 0.9,
  nesterov: true,
  weightDecay: 0.01,
}

const plain = PLAIN.map((spec): TrainingSpec => ({ ...spec, optimizer: sgd }))
// Pictures are smaller here: TensorFlow.js takes a long time for a convolution without native code.
const small = { image: [1, 6, 5] as [number, number, number], channels: [2, 3], kernel: 3 as const }
const families = FAMILIES.map(
  (spec): TrainingSpec => ({
    ...(spec.recipe === 'cnn' ? { ...spec, model: { ...spec.model, ...small } } : spec),
    optimizer: adamw,
  }),
)
const weighed = plain.flatMap(spec =>
  spec.task === 'classification' ? [{ ...spec, classWeights: [0.5, 1, 3], smoothing: 0.1 }] : [],
)
const masked = families.flatMap(spec => (spec.recipe === 'gpt' ? [{ ...spec, masked: true }] : []))
const short = families.flatMap(spec => (spec.task === 'language' ? [{ ...spec, block: 4 }] : []))
const dropping = [...plain, ...families].map((spec): TrainingSpec => {
  const augment = { flip: true, crop: 2 }
  const pictures = spec.recipe === 'cnn' || spec.recipe === 'resnet'
  return pictures ? { ...spec, dropout: 0.2, augment } : { ...spec, dropout: 0.2 }
})
// Without hidden layers, what leaves the convolutions is dropped from.
const flat = families.flatMap((spec): TrainingSpec[] =>
  spec.recipe === 'cnn' ? [{ ...spec, model: { ...spec.model, hidden: [] }, dropout: 0.2 }] : [],
)
const cases = [
  ...plain,
  ...weighed,
  ...families,
  ...masked,
  ...short,
  ...dropping,

  ...flat,
].map(spec => [`${spec.recipe}, ${spec.task}, ${spec.optimizer.name}`, spec] as const)

function dataOf(spec: TrainingSpec) {
  const data = randomData(spec, 24)
  if (spec.task === 'language' && spec.masked)
    for (let i = 0; i < data.y.data.length; i += 3) data.y.data[i] = -1
  return data
}

async function fiftySteps(spec: TrainingSpec, engine: 'ours' | 'tfjs') {
  const data = dataOf(spec)
  const state = freshState(spec, initialWeights(spec, 1))
  const runner =
    engine === 'ours'
      ? await openRunner(spec, data, state, { threads: 1, seed: 5 })
      : openTensorFlowRunner(tf, spec, data, state, 5)
  const batches = new Batches(data.rows, spec.batch, 3)
  const losses = []
  for (let step = 0; step < 50; step += 25) losses.push(...(await runner.run(batches.of(step, 25), step)))
  const after = await runner.state()
  await runner.close()
  return { losses, after }
}

describe('TensorFlow.js as an engine', () => {
  it.each(cases)('has the losses of our graph for fifty steps: %s', async (_, spec) => {
    const before = tf.memory().numTensors
    const [ours, theirs] = [await fiftySteps(spec, 'ours'), await fiftySteps(spec, 'tfjs')]
    for (const [i, loss] of ours.losses.entries())
      expect(Math.abs(theirs.losses[i]! - loss)).toBeLessThan(1e-3)
    // It did learn, or all of this would say little.
    expect(ours.losses.at(-1)).not.toBeCloseTo(ours.losses[0]!, 2)
    expect([...theirs.after.keys()]).toEqual([...ours.after.keys()])
    expect(tf.memory().numTensors).toBe(before)
  })

  it('leaves the state as it was when a call fails', async () => {
    const [spec] = plain
    const state = freshState(spec!, initialWeights(spec!, 1))
    const runner = openTensorFlowRunner(tf, spec!, dataOf(spec!), state)
    const rows = new Batches(24, spec!.batch, 3).of(0, 2)
    await expect(runner.run(rows.fill(1_000_000, spec!.batch), 0)).rejects.toMatchObject({
      code: 'training/engine',
    })
    for (const [name, tensor] of await runner.state())
      expect(Array.from(floats(tensor))).toEqual(Array.from(floats(state.get(name)!)))
    await runner.close()
  })
})
