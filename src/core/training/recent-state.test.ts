import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lastCheckpoint, saveCheckpoint, saveRecent } from './checkpoint.ts'
import { initialWeights } from './parameters.ts'
import { RecentState } from './recent-state.ts'
import { freshState } from './runner.ts'
import { trainingSpec } from './spec.ts'

const spec = trainingSpec.parse({
  recipe: 'mlp',
  model: { inputs: 2, hidden: [4], outputs: 2 },
  task: 'classification',
  input: { dtype: 'f32', scale: 1, shift: 0 },
  batch: 8,
  optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0.9, weightDecay: 0 },
})
const at = (step: number) => ({
  step,
  state: freshState(spec, initialWeights(spec, step)),
  losses: new Float32Array(step),
  checkpoints: [],
})

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-recent-'))
})
afterEach(() => rmSync(folder, { recursive: true }))
const kept = () => readdirSync(folder).map(name => Number(/\d+/.exec(name)![0]))

/** Calls of one step, so many milliseconds each; saving takes `cost`. @returns the step on disk after each call */
async function stepsKept(milliseconds: number, cost: number, calls: number) {
  let now = 0
  const recent = new RecentState(folder, 'run', () => now)
  const steps: (number | undefined)[] = []
  for (let step = 1; step <= calls; step++) {
    now += milliseconds
    await recent.after(milliseconds, async () => {
      now += cost
      return at(step)
    })
    steps.push(kept()[0])
  }
  expect(kept().length).toBeLessThanOrEqual(1)
  return { steps, recent }
}

describe('the newest state', () => {
  it('is on disk after every long call, where saving is quick', async () => {
    expect((await stepsKept(5000, 100, 4)).steps).toEqual([1, 2, 3, 4])
  })

  it('is saved no more often than for a twentieth of the time', async () => {
    const { steps } = await stepsKept(500, 100, 12)
    expect(steps).toEqual([1, 1, 1, 1, 5, 5, 5, 5, 9, 9, 9, 9])
  })

  it('is saved every ten seconds where calls are short enough to stop within', async () => {
    const { steps } = await stepsKept(200, 1, 101)
    expect(steps.map(step => step ?? 0)).toEqual([...Array(49).fill(0), ...Array(50).fill(50), 100, 100])
  })

  it('leaves a checkpoint that has taken its place', async () => {
    const { recent } = await stepsKept(5000, 1, 2)
    await saveCheckpoint(folder, 'run', at(3))
    await recent.drop()
    expect(kept()).toEqual([3])
  })

  it('is passed over when a power cut left a part of it unwritten, which its header does not show', async () => {
    await saveCheckpoint(folder, 'run', at(3))
    const path = await saveRecent(folder, 'run', at(5))
    expect((await lastCheckpoint(folder, 'run', spec, 9))?.step).toBe(5)
    const bytes = readFileSync(path)
    writeFileSync(path, bytes.fill(7, bytes.length - 40, bytes.length - 20))
    expect((await lastCheckpoint(folder, 'run', spec, 9))?.step).toBe(3)
  })
})
