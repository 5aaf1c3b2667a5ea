import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkpointPath, lastCheckpoint, saveCheckpoint, saveRecent } from './checkpoint.ts'
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
const kept = () =>
  readdirSync(folder)
    .map(name => Number(/\d+/.exec(name)![0]))
    .sort((a, b) => a - b)
const open = (step: number, now?: () => number) => new RecentState({ folder, every: 1000 }, 'run', step, now)

/** Calls of one step, so many milliseconds each; saving takes `cost`. @returns the step on disk after each call */
async function stepsKept(milliseconds: number, cost: number, calls: number) {
  let now = 0
  const recent = open(0, () => now)
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
  return steps
}

describe('the newest state', () => {
  it('is on disk after every long call, where saving is quick', async () => {
    expect(await stepsKept(5000, 100, 4)).toEqual([1, 2, 3, 4])
  })

  it('is saved no more often than for a twentieth of the time', async () => {
    const steps = await stepsKept(500, 100, 12)
    expect(steps).toEqual([1, 1, 1, 1, 5, 5, 5, 5, 9, 9, 9, 9])
  })

  it('is saved every ten seconds where calls are short enough to stop within', async () => {
    const steps = await stepsKept(200, 1, 101)
    expect(steps.map(step => step ?? 0)).toEqual([...Array(49).fill(0), ...Array(50).fill(50), 100, 100])
  })

  it('makes room for a checkpoint, which stays when it is replaced itself', async () => {
    const recent = open(0, () => 0)
    await recent.after(5000, async () => at(2))
    expect([recent.has(1), recent.has(2)]).toEqual([false, true])
    await saveCheckpoint(folder, 'run', at(1000))
    await recent.replaced(1000)
    expect(kept()).toEqual([1000])
    await recent.after(5000, async () => at(1001))
    expect(kept()).toEqual([1000, 1001])
  })

  it('takes the place of the one that the run goes on from, when it is on disk itself', async () => {
    await saveRecent(folder, 'run', at(7))
    const recent = open(7)
    expect([recent.has(7), kept()]).toEqual([true, [7]])
    await recent.after(5000, async () => at(8))
    expect(kept()).toEqual([8])
  })

  it('is whole or absent when the process is killed while it is saved, and nothing stays of what was half written', async () => {
    await saveRecent(folder, 'run', at(4))
    writeFileSync(`${checkpointPath(folder, 5)}.1b4e28ba.tmp`, 'half')
    expect((await lastCheckpoint(folder, 'run', spec, 9))?.step).toBe(4)
    expect(kept()).toEqual([4])
  })

  it('is passed over when a power cut left a part of it unwritten, which its header does not show', async () => {
    await saveCheckpoint(folder, 'run', at(3))
    await saveRecent(folder, 'run', at(5))
    const path = checkpointPath(folder, 5)
    expect((await lastCheckpoint(folder, 'run', spec, 9))?.step).toBe(5)
    const bytes = readFileSync(path)
    writeFileSync(path, bytes.fill(7, bytes.length - 40, bytes.length - 20))
    expect((await lastCheckpoint(folder, 'run', spec, 9))?.step).toBe(3)
  })
})
