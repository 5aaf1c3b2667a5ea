import { rmSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type FitProgress, type FitRequest, fitModel } from './fit.ts'
import { initialWeights } from './parameters.ts'
import { seeded } from './random.ts'
import { writeSafetensors } from './safetensors/index.ts'
import { trainingSpec } from './spec.ts'
import { train } from './train.ts'

const spec = trainingSpec.parse({
  recipe: 'mlp',
  model: { inputs: 2, hidden: [8], outputs: 2 },
  task: 'classification',
  input: { dtype: 'f32', scale: 1, shift: 0 },
  batch: 8,
  optimizer: { name: 'adamw', learningRate: 0.02, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, weightDecay: 0 },
})

let folder: string
const at = (name: string) => join(folder, name)
/** Points above and below a diagonal. */
async function points(name: string, rows: number, seed: number): Promise<void> {
  const random = seeded(seed)
  const x = Float32Array.from({ length: 2 * rows }, () => 2 * random.float() - 1)
  const y = Int32Array.from({ length: rows }, (_, i) => (x[2 * i]! > x[2 * i + 1]! ? 1 : 0))
  await writeSafetensors(
    at(name),
    new Map([
      ['x', { dtype: 'F32', shape: [rows, 2], data: x }],
      ['y', { dtype: 'I32', shape: [rows], data: y }],
    ]),
  )
}
const request = (options: Partial<FitRequest> = {}): FitRequest => ({
  ...{ spec, weights: at('weights'), data: at('data'), validation: at('validation') },
  ...{ steps: 230, every: 50, seed: 3, folder: at('run'), out: at('out'), threads: 1 },
  ...options,
})

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gradstr-fit-'))
  await points('data', 100, 1)
  await points('validation', 60, 2)
  await writeSafetensors(at('weights'), initialWeights(spec, 1))
})
afterEach(() => rm(folder, { recursive: true }))

describe('fitting', () => {
  it('gives the weights of a plain run, and looks at the validation rows on the way and at the end', async () => {
    const seen: FitProgress[] = []
    const fitted = await fitModel(request({ onProgress: progress => seen.push(progress) }))
    expect(fitted.validations.map(({ step }) => step)).toEqual([50, 100, 150, 200, 230])
    expect(fitted.validations.at(-1)!.loss!).toBeLessThan(fitted.validations[0]!.loss!)
    expect(fitted.validations.at(-1)!.accuracy).toBeGreaterThan(0.9)
    expect(seen.at(-1)).toMatchObject({ step: 230, steps: 230, validation: fitted.validations.at(-1) })
    expect(seen.map(({ step }) => step)).toEqual(seen.map(({ step }) => step).toSorted((a, b) => a - b))
    const { weights, data } = request()
    const plain = await train({ spec, weights, data, steps: 230, seed: 3, out: at('plain'), threads: 1 })
    expect(fitted.losses).toEqual(plain.losses)
    expect(await readFile(at('out'))).toEqual(await readFile(at('plain')))
    expect((await readdir(at('run'))).filter(name => name.startsWith('step-'))).toHaveLength(1)
  })

  it('goes on where it was stopped, with the same weights and the same curve', async () => {
    const whole = await fitModel(request({ folder: at('whole'), out: at('whole.out') }))
    const stop = new AbortController()
    const onProgress = ({ step }: FitProgress) => step > 110 && stop.abort()
    const part = await fitModel(request({ signal: stop.signal, onProgress }))
    expect(part.stopped).toBe(true)
    expect(part.steps).toBeGreaterThan(110)
    const passed = [50, 100, 150, 200].filter(step => step <= part.steps)
    expect(part.validations.map(({ step }) => step)).toEqual(passed)
    const steps: number[] = []
    const rest = await fitModel(request({ onProgress: ({ step }) => steps.push(step) }))
    expect(steps[0]).toBeGreaterThan(part.steps)
    expect(rest.validations).toEqual(whole.validations)
    expect(rest.losses).toEqual(whole.losses)
    expect(await readFile(at('out'))).toEqual(await readFile(at('whole.out')))
  })

  it('loses no step when it is stopped while it looks', async () => {
    const whole = await fitModel(request({ folder: at('whole'), out: at('whole.out'), steps: 120 }))
    const stop = new AbortController()
    const onProgress = ({ step }: FitProgress) => step === 120 && stop.abort()
    const part = await fitModel(request({ steps: 120, signal: stop.signal, onProgress }))
    expect(part.validations.map(({ step }) => step)).toEqual([50, 100])
    const rest = await fitModel(request({ steps: 120 }))
    expect(rest).toEqual({ ...whole, seconds: rest.seconds })
  })

  it('reads weights and rows, and opens its sessions on them, once', async () => {
    const whole = await fitModel(request({ folder: at('whole'), out: at('whole.out') }))
    let gone = false
    const onProgress = ({ validation }: FitProgress) => {
      if (!validation || gone) return
      for (const name of ['weights', 'data', 'validation']) rmSync(at(name))
      gone = true
    }
    const fitted = await fitModel(request({ onProgress }))
    expect(gone).toBe(true)
    expect(fitted.validations).toEqual(whole.validations)
    expect(await readFile(at('out'))).toEqual(await readFile(at('whole.out')))
  })

  it('has nothing left to do when it was done', async () => {
    const first = await fitModel(request({ steps: 120 }))
    const again = await fitModel(request({ steps: 120 }))
    expect(again).toEqual({ ...first, seconds: again.seconds })
  })
})
