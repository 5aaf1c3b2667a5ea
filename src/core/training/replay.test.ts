import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { FAMILIES } from './engines/selftest-specs.ts'
import { initialWeights } from './parameters.ts'
import { randomData } from './random-data.ts'
import { compareWork, progressionOf, replay } from './replay.ts'
import { writeSafetensors } from './safetensors/index.ts'
import type { TrainingSpec } from './spec.ts'
import { floats, type Tensors } from './tensor.ts'
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
const checkpoint = (step: number, run = 'run') =>
  at(`${run}/step-${String(step).padStart(9, '0')}.safetensors`)
const run = { spec, seed: 5, first: 40, threads: 1 }

/** The run's checkpoints, by their hashes. @param name  of their folder */
async function trained(
  of: TrainingSpec,
  name: string,
  steps: number,
  every: number,
  threads = run.threads,
): Promise<string[]> {
  await writeSafetensors(at(`${name}.weights`), initialWeights(of, 1))
  await writeSafetensors(at(`${name}.data`), rowsFor(of))
  const files = { weights: at(`${name}.weights`), data: at(`${name}.data`), out: at(`${name}.trained`) }
  const checkpoints = { folder: at(name), every }
  return (await train({ ...run, ...files, spec: of, steps, checkpoints, threads })).checkpoints
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-replay-'))
  hashes = await trained(spec, 'run', 160, 40)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A hundred rows, as a file of them has them. */
function rowsFor(of: TrainingSpec): Tensors {
  const { x, y } = randomData(of, 100)
  if (of.task !== 'language') return new Map(Object.entries({ x, y }))
  const width = x.shape[1]! + 1
  const data = Int32Array.from({ length: 100 * width }, (_, i) => (i * i) % 37)
  return new Map([['tokens', { dtype: 'I32', shape: [100, width], data }]])
}

const again = (more: object = {}) =>
  replay({ ...run, data: at('run.data'), from: checkpoint(80), steps: 40, out: at('audit'), ...more })

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

  const pictures = FAMILIES.flatMap((of): TrainingSpec[] =>
    of.recipe === 'cnn' || of.recipe === 'resnet'
      ? [{ ...of, optimizer: spec.optimizer, dropout: 0.3, augment: { flip: true, crop: 2 } }]
      : [],
  )
  it.each(pictures.map(of => [of.recipe, of] as const))(
    'gives it where pictures are mirrored and cropped and values dropped: %s',
    async (name, of) => {
      const found = await trained(of, name, 15, 5)
      const request = { spec: of, data: at(`${name}.data`), from: checkpoint(5, name), steps: 5 }
      expect((await again(request)).sha256).toBe(found[1])
      expect((await again({ ...request, stepsPerCall: 2 })).sha256).toBe(found[1])
      expect((await again({ ...request, seed: 6 })).sha256).not.toBe(found[1])
    },
  )

  it('gives it on several threads, of more tokens a step than one of them adds up at a time', async () => {
    const model = { vocabulary: 40, context: 64, width: 128, layers: 1, heads: 4, bias: true }
    const of: TrainingSpec = {
      ...{ recipe: 'gpt', task: 'language', batch: 32, optimizer: spec.optimizer },
      model: { ...model, activation: 'gelu_new' },
    }
    const found = await trained(of, 'gpt', 4, 2, 2)
    const request = { spec: of, data: at('gpt.data'), from: checkpoint(2, 'gpt'), steps: 2, threads: 2 }
    for (let turn = 0; turn < 2; turn++) expect((await again(request)).sha256).toBe(found[1])
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
    await expect(again({ from: at('run.weights') })).rejects.toMatchObject({ code: 'training/checkpoint' })
    const other = { ...spec, model: { ...spec.model, hidden: [8] } }
    await expect(again({ spec: other })).rejects.toMatchObject({ code: 'training/checkpoint' })
  })
})
