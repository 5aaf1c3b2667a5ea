import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  evaluator,
  f32,
  floats,
  initialWeights,
  readSafetensors,
  type Tensor,
  type TrainingSpec,
  type TrainRequest,
  train,
  writeSafetensors,
} from './index.ts'
import { seeded } from './random.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-train-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const at = (name: string) => join(folder, name)

const adamw = {
  name: 'adamw',
  learningRate: 0.01,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
} as const
const spec: TrainingSpec = {
  recipe: 'mlp',
  model: { inputs: 8, hidden: [16], outputs: 3 },
  task: 'classification',
  input: { dtype: 'u8', scale: 1 / 255, shift: -0.5 },
  batch: 32,
  optimizer: adamw,
}

/** Bytes whose first three columns tell the class by which is largest. */
function learnable(rows: number): { x: Tensor; y: Tensor } {
  const random = seeded(5)
  const x = Uint8Array.from({ length: rows * 8 }, () => random.below(256))
  const y = Int32Array.from({ length: rows }, (_, row) => {
    const first = [...x.subarray(row * 8, row * 8 + 3)]
    return first.indexOf(Math.max(...first))
  })
  return { x: { dtype: 'U8', shape: [rows, 8], data: x }, y: { dtype: 'I32', shape: [rows], data: y } }
}

async function prepare(rows = 500): Promise<TrainRequest> {
  const request = {
    spec,
    weights: at('weights'),
    data: at('data'),
    steps: 100,
    seed: 3,
    out: at('out'),
    threads: 1,
  }
  await writeSafetensors(request.weights, initialWeights(spec, 1))
  await writeSafetensors(request.data, new Map(Object.entries(learnable(rows))))
  return request
}

describe('training', () => {
  it('learns what can be learnt', async () => {
    const request = await prepare()
    const result = await train({ ...request, steps: 400 })
    expect(result).toMatchObject({ steps: 400, stopped: false, checkpoints: [] })
    expect(result.losses).toHaveLength(400)
    const judge = await evaluator(spec, { threads: 1 })
    const { accuracy, loss } = await judge.losses(
      await readSafetensors(request.out),
      await judge.load(request.data),
    )
    await judge.close()
    expect(result.losses[0]).toBeGreaterThan(1)
    expect(loss).toBeLessThan(0.3)
    expect(accuracy).toBeGreaterThan(0.9)
  })

  it('gives the same bytes however often it is stopped and resumed, and the same checkpoints', async () => {
    const request = await prepare()
    const whole = await train({ ...request, checkpoints: { folder: at('a'), every: 20 } })
    const expected = readFileSync(request.out)
    rmSync(request.out)
    const stop = new AbortController()
    const checkpoints = { folder: at('b'), every: 20 }
    const onProgress = ({ step }: { step: number }) => step >= 37 && stop.abort()
    const first = await train({ ...request, checkpoints, onProgress, signal: stop.signal })
    expect(first.stopped).toBe(true)
    expect(first.steps).toBeGreaterThanOrEqual(37)
    expect(first.steps).toBeLessThan(100)
    expect(readdirSync(folder)).not.toContain('out')
    const rest = await train({ ...request, checkpoints })
    expect(readFileSync(request.out)).toEqual(expected)
    expect(rest).toEqual({ ...whole, seconds: expect.any(Number) })
    expect(rest.checkpoints).toHaveLength(5)
  })

  it('goes on after kill -9, bit for bit', async () => {
    const request = { ...(await prepare()), steps: 425, checkpoints: { folder: at('c'), every: 50 } }
    const whole = await train({ ...request, checkpoints: { folder: at('whole'), every: 50 } })
    const expected = readFileSync(request.out)
    rmSync(request.out)
    // Far more steps than it can take before it is killed.
    await killedAfter({ ...request, steps: 1_000_000 }, 150)
    expect(readdirSync(folder)).not.toContain('out')
    const steps: number[] = []
    const resumed = await train({ ...request, onProgress: ({ step }) => steps.push(step) })
    expect(steps[0]).toBeGreaterThan(150)
    expect(readFileSync(request.out)).toEqual(expected)
    expect(resumed.checkpoints).toEqual(whole.checkpoints)
  })

  it('has the weights looked at from which it goes on: nobody may have done so before it was killed', async () => {
    const checkpoints = { folder: at('c'), every: 25 }
    const request = { ...(await prepare()), checkpoints }
    await train(request)
    rmSync(join(at('c'), readdirSync(at('c')).sort().at(-1)!))
    const looked: number[] = []
    const look = async (step: number) => void looked.push(step)
    await train({ ...request, checkpoints: { ...checkpoints, look } })
    expect(looked).toEqual([75, 100])
  })

  it('passes over a damaged checkpoint', async () => {
    const request = { ...(await prepare()), checkpoints: { folder: at('c'), every: 25 } }
    await train(request)
    const expected = readFileSync(request.out)
    const newest = readdirSync(at('c')).sort().at(-1)!
    truncateSync(join(at('c'), newest), 500)
    const steps: number[] = []
    await train({ ...request, onProgress: ({ step }) => steps.push(step) })
    expect(steps[0]).toBeGreaterThan(75)
    expect(readFileSync(request.out)).toEqual(expected)
  })

  it('refuses to go on from the checkpoints of another run', async () => {
    const request = { ...(await prepare()), checkpoints: { folder: at('c'), every: 25 } }
    await train(request)
    await expect(train({ ...request, seed: 4 })).rejects.toMatchObject({
      code: 'training/checkpoint-foreign',
    })
  })

  it('stops with the reason when it diverges', async () => {
    const request = await prepare()
    const optimizer = { name: 'sgd', learningRate: 1000, momentum: 0, weightDecay: 100 } as const
    await expect(train({ ...request, spec: { ...spec, optimizer } })).rejects.toMatchObject({
      code: 'training/diverged',
      fix: expect.stringMatching(/learning rate/),
    })
    expect(readdirSync(folder)).not.toContain('out')
  })

  it('gives no weights that overflowed in the last step, which no loss shows', async () => {
    const request = await prepare()
    const weights = initialWeights(spec, 1)
    floats(weights.get('0.weight')!)[7] = 3e38
    await writeSafetensors(request.weights, weights)
    const { x, y } = learnable(32)
    for (let i = 7; i < x.data.length; i += 8) x.data[i] = 0
    await writeSafetensors(
      request.data,
      new Map([
        ['x', x],
        ['y', y],
      ]),
    )
    const optimizer = { name: 'sgd', learningRate: 1000, momentum: 0, weightDecay: 100 } as const
    const input = { ...spec.input, shift: 0 }
    const losses: number[] = []
    const onProgress = ({ loss }: { loss: number }) => losses.push(loss)
    await expect(
      train({ ...request, steps: 1, spec: { ...spec, input, optimizer }, onProgress }),
    ).rejects.toMatchObject({ code: 'training/diverged', message: expect.stringMatching(/"0.weight"/) })
    expect(losses.every(Number.isFinite)).toBe(true)
    expect(readdirSync(folder)).not.toContain('out')
  })

  it('stops before the first step when it was told so before', async () => {
    const result = await train({ ...(await prepare()), signal: AbortSignal.abort() })
    expect(result).toMatchObject({ steps: 0, stopped: true, losses: [] })
  })
})

describe('what training is given', () => {
  const weights = initialWeights(spec, 1)
  const replaced = (name: string, tensor: Tensor) => new Map([...weights, [name, tensor]])
  const poisoned = f32([16], floats(weights.get('0.bias')!).with(3, Number.NaN))
  const { x, y } = learnable(10)
  const cases: [string, Parameters<typeof writeSafetensors>[1], string, RegExp][] = [
    [
      'weights of another shape',
      replaced('0.bias', f32([17], new Float32Array(17))),
      'weights',
      /\[17\].*\[16\]/,
    ],
    ['weights that are not numbers', replaced('0.bias', poisoned), 'weights', /not numbers/],
    ['weights it does not know', replaced('9.bias', f32([0], new Float32Array(0))), 'weights', /no "9.bias"/],
    ['no weights', new Map(), 'weights', /"0.weight" is missing/],
    [
      'no rows',
      new Map([
        ['x', { ...x, shape: [0, 8], data: new Uint8Array(0) }],
        ['y', { ...y, shape: [0], data: new Int32Array(0) }],
      ]),
      'data',
      /no rows/,
    ],
    [
      'rows of another width',
      new Map([
        ['x', { ...x, shape: [8, 10] }],
        ['y', y],
      ]),
      'data',
      /\[8,10\]/,
    ],
    [
      'inputs of another type',
      new Map([
        ['x', f32([10, 8], new Float32Array(80))],
        ['y', y],
      ]),
      'data',
      /F32/,
    ],
    [
      'a class beyond the last',
      new Map([
        ['x', x],
        ['y', { ...y, data: new Int32Array(10).fill(3) }],
      ]),
      'data',
      /class 3/,
    ],
    [
      'a negative class',
      new Map([
        ['x', x],
        ['y', { ...y, data: new Int32Array(10).fill(-1) }],
      ]),
      'data',
      /class -1/,
    ],
  ]
  it.each(cases)('may not be %s', async (_, contents, which, message) => {
    const request = await prepare()
    await writeSafetensors(at(which), contents)
    await expect(train(request)).rejects.toMatchObject({
      code: `training/${which}`,
      message: expect.stringMatching(message),
      where: at(which),
    })
  })
})

/** Runs the training in a process of its own and kills that as soon as it has passed `step`. */
async function killedAfter(request: TrainRequest, step: number): Promise<void> {
  const module = new URL('./index.ts', import.meta.url).href
  const script = `import { train } from '${module}'
    await train({ ...${JSON.stringify(request)}, onProgress: p => console.log(p.step) })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = new Promise(resolve => child.on('exit', (_, signal) => resolve(signal)))
  for await (const line of createInterface(child.stdout))
    if (Number(line) >= step) {
      child.kill('SIGKILL')
      break
    }
  expect(await exited).toBe('SIGKILL')
}
