import { describe, expect, it } from 'vitest'
import type { Data } from './data.ts'
import { initialWeights, parameters } from './parameters.ts'
import { seeded } from './random.ts'
import { referenceGradients, referenceLoss } from './reference.ts'
import { freshState, openRunner } from './runner.ts'
import type { TrainingSpec } from './spec.ts'
import { f32, floats, type Tensors } from './tensor.ts'

const base: Omit<TrainingSpec, 'optimizer'> = {
  recipe: 'mlp',
  model: { inputs: 5, hidden: [4], outputs: 2 },
  task: 'regression',
  input: { dtype: 'f32', scale: 2, shift: 0.25 },
  batch: 6,
}
type Sgd = Extract<TrainingSpec['optimizer'], { name: 'sgd' }>
type AdamW = Extract<TrainingSpec['optimizer'], { name: 'adamw' }>
type Update = (w: number, g: number, memory: number[], t: number) => number

// The optimizers as PyTorch documents them, in double precision.
const sgd =
  ({ learningRate, momentum, weightDecay }: Sgd): Update =>
  (w, g, memory) => {
    memory[0] = momentum * (memory[0] ?? 0) + g + weightDecay * w
    return w - learningRate * memory[0]
  }
const adamw =
  (o: AdamW): Update =>
  (w, g, memory, t) => {
    memory[0] = o.beta1 * (memory[0] ?? 0) + (1 - o.beta1) * g
    memory[1] = o.beta2 * (memory[1] ?? 0) + (1 - o.beta2) * g * g
    const m = memory[0] / (1 - o.beta1 ** t)
    const v = memory[1] / (1 - o.beta2 ** t)
    return w * (1 - o.learningRate * o.weightDecay) - (o.learningRate * m) / (Math.sqrt(v) + o.epsilon)
  }

const plainSgd: Sgd = { name: 'sgd', learningRate: 0.05, momentum: 0, weightDecay: 0 }
const withAdam: AdamW = {
  name: 'adamw',
  learningRate: 0.01,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-6,
  weightDecay: 0,
}
const cases: [string, TrainingSpec['optimizer'], Update][] = [
  ['plain SGD', plainSgd, sgd(plainSgd)],
  ['SGD with weight decay', { ...plainSgd, weightDecay: 0.1 }, sgd({ ...plainSgd, weightDecay: 0.1 })],
  ['SGD with momentum', { ...plainSgd, momentum: 0.9 }, sgd({ ...plainSgd, momentum: 0.9 })],
  [
    'SGD with momentum and weight decay',
    { ...plainSgd, momentum: 0.9, weightDecay: 0.1 },
    sgd({ ...plainSgd, momentum: 0.9, weightDecay: 0.1 }),
  ],
  ['Adam', withAdam, adamw(withAdam)],
  ['AdamW', { ...withAdam, weightDecay: 0.2 }, adamw({ ...withAdam, weightDecay: 0.2 })],
]

function data(): Data {
  const random = seeded(4)
  const numbers = (n: number) => Float32Array.from({ length: n }, () => 2 * random.float() - 1)
  return { rows: 18, x: f32([18, 5], numbers(90)), y: f32([18, 2], numbers(36)) }
}

describe('a training step', () => {
  it.each(cases)('moves the weights as %s does', async (_, optimizer, update) => {
    const spec: TrainingSpec = { ...base, optimizer }
    const { x, y, rows } = data()
    const order = Int32Array.from({ length: 5 * spec.batch }, (_, i) => (7 * i) % rows)
    const runner = await openRunner(spec, { x, y, rows }, { threads: 1 })
    const found = await runner.run(freshState(spec, initialWeights(spec, 1)), order)
    await runner.close()

    const weights = initialWeights(spec, 1)
    const memories = new Map(parameters(spec).map(({ name }) => [name, new Map<number, number[]>()]))
    for (let t = 1; t <= 5; t++) {
      const batch = pick(spec, x, y, order.subarray((t - 1) * spec.batch, t * spec.batch))
      const plain = new Map([...weights].map(([name, w]) => [name, Float64Array.from(floats(w))]))
      expect(found.losses[t - 1]).toBeCloseTo(referenceLoss(spec, plain, batch), 4)
      const gradients = referenceGradients(spec, weights, batch)
      for (const [name, tensor] of weights)
        floats(tensor).forEach((w, i, values) => {
          const memory = memories.get(name)!.get(i) ?? []
          memories.get(name)!.set(i, memory)
          values[i] = update(w, gradients.get(name)![i]!, memory, t)
        })
    }
    for (const { name } of parameters(spec)) expectClose(found.state, weights, name)
  })
})

function pick(spec: TrainingSpec, x: Data['x'], y: Data['y'], rows: Int32Array) {
  const take = (tensor: Data['x'], width: number) =>
    Float64Array.from([...rows].flatMap(row => [...floats(tensor).subarray(row * width, (row + 1) * width)]))
  return { x: take(x, 5).map(v => v * spec.input.scale + spec.input.shift), y: take(y, 2) }
}

function expectClose(found: Tensors, expected: Tensors, name: string): void {
  const values = floats(found.get(name)!)
  for (const [i, value] of floats(expected.get(name)!).entries())
    expect(Math.abs(values[i]! - value)).toBeLessThan(2e-5)
}
