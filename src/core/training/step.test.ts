import { describe, expect, it } from 'vitest'
import type { Data } from './data.ts'
import { type MlpSpec, referenceGradients, referenceLoss } from './engines/reference.ts'
import { initialWeights, parameters } from './parameters.ts'
import { seeded } from './random.ts'
import { freshState, openRunner } from './runner.ts'
import type { TrainingSpec } from './spec.ts'
import { f32, floats, type Tensors } from './tensor.ts'

const base: Omit<MlpSpec, 'optimizer'> = {
  recipe: 'mlp',
  model: { inputs: 5, hidden: [4], outputs: 2 },
  task: 'regression',
  input: { dtype: 'f32', scale: 2, shift: 0.25 },
  batch: 6,
}
type Optimizer = TrainingSpec['optimizer']
type Sgd = Extract<TrainingSpec['optimizer'], { name: 'sgd' }>
type AdamW = Extract<TrainingSpec['optimizer'], { name: 'adamw' }>
interface At {
  /** η and λ of this step and parameter. */
  rate: number
  decay: number
  /** Steps so far, this one included. */
  t: number
}
type Update = (w: number, g: number, memory: number[], at: At) => number

// The optimizers as PyTorch documents them, in double precision.
const sgd =
  ({ momentum, nesterov }: Sgd): Update =>
  (w, g, memory, { rate, decay }) => {
    const pulled = g + decay * w
    memory[0] = momentum * (memory[0] ?? 0) + pulled
    return w - rate * (nesterov ? pulled + momentum * memory[0] : memory[0])
  }
const adamw =
  (o: AdamW): Update =>
  (w, g, memory, { rate, decay, t }) => {
    memory[0] = o.beta1 * (memory[0] ?? 0) + (1 - o.beta1) * g
    memory[1] = o.beta2 * (memory[1] ?? 0) + (1 - o.beta2) * g * g
    const m = memory[0] / (1 - o.beta1 ** t)
    const v = memory[1] / (1 - o.beta2 ** t)
    return w * (1 - rate * decay) - (rate * m) / (Math.sqrt(v) + o.epsilon)
  }

/** nanoGPT's `get_lr`. */
function rateAt({ learningRate, schedule }: Optimizer, step: number): number {
  if (!schedule) return learningRate
  const { warmup, steps, least } = schedule
  if (step < warmup) return (learningRate * (step + 1)) / (warmup + 1)
  if (step > steps) return learningRate * least
  const way = (step - warmup) / (steps - warmup)
  return learningRate * (least + 0.5 * (1 + Math.cos(Math.PI * way)) * (1 - least))
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
const momentum: Sgd = { ...plainSgd, momentum: 0.9, weightDecay: 0.1 }
const schedule = { warmup: 2, steps: 5, least: 0.1 }
const cases: [string, Optimizer, number?][] = [
  ['plain SGD', plainSgd],
  ['SGD with weight decay', { ...plainSgd, weightDecay: 0.1 }],
  ['SGD with momentum', { ...plainSgd, momentum: 0.9 }],
  ['SGD with momentum and weight decay', momentum],
  ['SGD with momentum of Nesterov', { ...momentum, nesterov: true }],
  ['SGD with short gradients', { ...plainSgd, clip: 0.5 }],
  ['SGD with gradients that are short already', { ...plainSgd, clip: 100 }],
  ['SGD with a schedule', { ...momentum, nesterov: true, schedule }],
  ['SGD with a schedule that began earlier', { ...plainSgd, weightDecay: 0.1, schedule }, 1],
  ['Adam', withAdam],
  ['AdamW', { ...withAdam, weightDecay: 0.2 }],
  ['AdamW on matrices', { ...withAdam, weightDecay: 0.2, decayed: 'matrices', clip: 0.5 }],
  ['AdamW with a schedule', { ...withAdam, weightDecay: 0.2, schedule }, 3],
]

function data(): Data {
  const random = seeded(4)
  const numbers = (n: number) => Float32Array.from({ length: n }, () => 2 * random.float() - 1)
  return { rows: 18, x: f32([18, 5], numbers(90)), y: f32([18, 2], numbers(36)) }
}

describe('a training step', () => {
  it.each(cases)('moves the weights as %s does', async (_, optimizer, first = 0) => {
    const spec: MlpSpec = { ...base, optimizer }
    const update = optimizer.name === 'sgd' ? sgd(optimizer) : adamw(optimizer)
    const { x, y, rows } = data()
    const order = Int32Array.from({ length: 5 * spec.batch }, (_, i) => (7 * i) % rows)
    const start = freshState(spec, initialWeights(spec, 1))
    const runner = await openRunner(spec, { x, y, rows }, start, { threads: 1 })
    const losses = await runner.run(order, first)
    const state = await runner.state()
    await runner.close()

    const weights = initialWeights(spec, 1)
    const memories = new Map(parameters(spec).map(({ name }) => [name, new Map<number, number[]>()]))
    for (let t = 1; t <= 5; t++) {
      const batch = pick(spec, x, y, order.subarray((t - 1) * spec.batch, t * spec.batch))
      const plain = new Map([...weights].map(([name, w]) => [name, Float64Array.from(floats(w))]))
      expect(losses[t - 1]).toBeCloseTo(referenceLoss(spec, plain, batch), 4)
      const gradients = referenceGradients(spec, weights, batch)
      const length = Math.hypot(...[...gradients.values()].flatMap(g => [...g]))
      const scale = Math.min(1, (optimizer.clip ?? Number.POSITIVE_INFINITY) / length)
      for (const [name, tensor] of weights) {
        const decays = optimizer.decayed !== 'matrices' || tensor.shape.length > 1
        const at = { rate: rateAt(optimizer, first + t - 1), decay: decays ? optimizer.weightDecay : 0, t }
        floats(tensor).forEach((w, i, values) => {
          const memory = memories.get(name)!.get(i) ?? []
          memories.get(name)!.set(i, memory)
          values[i] = update(w, scale * gradients.get(name)![i]!, memory, at)
        })
      }
    }
    for (const { name } of parameters(spec)) expectClose(state, weights, name)
  })
})

function pick(spec: MlpSpec, x: Data['x'], y: Data['y'], rows: Int32Array) {
  const take = (tensor: Data['x'], width: number) =>
    Float64Array.from([...rows].flatMap(row => [...floats(tensor).subarray(row * width, (row + 1) * width)]))
  return { x: take(x, 5).map(v => v * spec.input.scale + spec.input.shift), y: take(y, 2) }
}

function expectClose(found: Tensors, expected: Tensors, name: string): void {
  const values = floats(found.get(name)!)
  for (const [i, value] of floats(expected.get(name)!).entries())
    expect(Math.abs(values[i]! - value)).toBeLessThan(2e-5)
}
