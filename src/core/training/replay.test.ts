import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { initialWeights } from './parameters.ts'
import { randomData } from './random-data.ts'
import { compareWork, progressionOf, replay } from './replay.ts'
import { writeSafetensors } from './safetensors/index.ts'
import type { TrainingSpec } from './spec.ts'
import { floats } from './tensor.ts'
import { train } from './train.ts'

const spec: TrainingSpec = {
  recipe: 'mlp',
  model: { inputs: 12, hidden: [9], outputs: 3 },
  task: 'classification',
  input: { dtype: 'f32', scale: 1, shift: 0 },
  batch: 16,
  optimizer: {
    name: 'adamw',
    learningRate: 0.01,
    beta1: 0.9,
    beta2: 0.999,
    epsilon: 1e-8,
    weightDecay: 0.01,
    schedule: { warmup: 10, steps: 300, least: 0.1 },
  },
}

let folder: string
let hashes: string[]
const at = (name: string) => join(folder, name)
const checkpoint = (step: number) => at(`run/step-${String(step).padStart(9, '0')}.safetensors`)
const run = { spec, seed: 5, first: 40, threads: 1 }

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-replay-'))
  const { x, y } = randomData(spec, 100)
  await writeSafetensors(at('weights'), initialWeights(spec, 1))
  await writeSafetensors(at('data'), new Map([...Object.entries({ x, y })]))
  const files = { weights: at('weights'), data: at('data'), out: at('trained') }
  const checkpoints = { folder: at('run'), every: 40 }
  hashes = (await train({ ...run, ...files, steps: 160, checkpoints })).checkpoints
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const again = (more: object = {}) =>
  replay({ ...run, data: at('data'), from: checkpoint(80), steps: 40, out: at('audit'), ...more })

async function compared(more: object) {
  const [start, claimed] = [
    await progressionOf(spec, checkpoint(80)),
    await progressionOf(spec, checkpoint(120)),
  ]
  return compareWork(start.at, claimed.at, (await again(more)).at)
}

describe('a replay', () => {
  it('gives the next checkpoint bit for bit, by its hash', async () => {
    expect((await again()).sha256).toBe(hashes[2])
    // However the steps are cut into calls.
    expect((await again({ stepsPerCall: 7 })).sha256).toBe(hashes[2])
  })

  it('is within tolerance where sums are taken in another order', async () => {
    const { exact, passed, deviation } = await compared({ microBatch: 2 })
    expect(exact).toBe(false)
    expect(passed).toBe(true)
    expect(deviation).toBeGreaterThan(0)
  })

  it('tells work on other rows, with another schedule, or of fewer steps from what was claimed', async () => {
    expect((await compared({})).exact).toBe(true)
    expect(await compared({ seed: 6 })).toMatchObject({ exact: false, passed: false })
    expect(await compared({ first: 250 })).toMatchObject({ exact: false, passed: false })
    expect(await compared({ steps: 20 })).toMatchObject({ passed: false })
  })

  it('tells steps that were not taken, and numbers that are none', async () => {
    const [start, claimed] = [await progressionOf(spec, checkpoint(80)), await again()]
    const idle = { ...claimed.at, state: start.at.state }
    expect(compareWork(start.at, idle, claimed.at)).toMatchObject({ passed: false, deviation: 1 })
    const broken = { ...claimed.at, state: new Map(claimed.at.state) }
    const bias = broken.state.get('0.bias')!
    broken.state.set('0.bias', { ...bias, data: floats(bias).map(() => Number.NaN) })
    expect(compareWork(start.at, broken, claimed.at).passed).toBe(false)
  })

  it('refuses what is no checkpoint of this spec', async () => {
    await expect(again({ from: at('weights') })).rejects.toMatchObject({ code: 'training/checkpoint' })
    const other = { ...spec, model: { ...spec.model, hidden: [8] } }
    await expect(again({ spec: other })).rejects.toMatchObject({ code: 'training/checkpoint' })
  })
})
