import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Compute, openCompute } from '../core/compute/index.ts'
import { type RowsSpec, readSafetensors, writeSafetensors } from '../core/training/index.ts'

let folder: string
let compute: Compute
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-worker-'))
  compute = openCompute({ entry: new URL('./index.ts', import.meta.url) })
})
afterEach(async () => {
  await compute.close()
  rmSync(folder, { recursive: true, force: true })
})
const at = (name: string) => join(folder, name)

const specOf = (inputs: number, hidden: number[], learningRate = 0.05): RowsSpec => ({
  recipe: 'mlp',
  model: { inputs, hidden, outputs: 2 },
  task: 'classification',
  input: { dtype: 'f32', scale: 1, shift: 0 },
  batch: 16,
  optimizer: { name: 'sgd', learningRate, momentum: 0.9, weightDecay: 0 },
})
const spec = specOf(4, [64])

/** Rows of the class "x₀ x₁ > 0", which no linear model finds. */
async function data(name: string, rows: number, offset: number): Promise<string> {
  const x = Float32Array.from({ length: 4 * rows }, (_, i) => Math.sin(12.9898 * (i + offset) + 1))
  const y = Int32Array.from({ length: rows }, (_, r) => Number(x[4 * r]! * x[4 * r + 1]! > 0))
  await writeSafetensors(at(name), [
    { name: 'x', dtype: 'F32', shape: [rows, 4], data: x },
    { name: 'y', dtype: 'I32', shape: [rows], data: y },
  ])
  return at(name)
}

/** Everything a provider needs. */
async function order(steps: number) {
  const weights = at('theta')
  await compute.run('initialWeights', { spec, seed: 1, out: weights })
  return {
    spec,
    weights,
    data: await data('shard', 600, 0),
    steps,
    seed: 3,
    update: at('update'),
    threads: 1,
  }
}

describe('a round through workers', () => {
  it('trains, measures, judges by an own run, aggregates and evaluates', async () => {
    const steps = 400
    const work = await order(steps)
    const told: number[] = []
    const trained = await compute.run('train', work, { onProgress: p => told.push(p.step) })
    expect(trained).toMatchObject({ steps, diverged: null })
    expect(trained.losses.length).toBe(steps)
    expect(told.at(-1)).toBe(steps)
    expect(told).toEqual([...told].sort((a, b) => a - b))

    const holdout = await data('holdout', 300, 10_000)
    const terms = { spec, weights: work.weights, shard: work.data, holdout, steps }
    const figures = await compute.run('measure', { ...terms, update: work.update, seed: 9, sketchSeed: 1 })
    expect(figures).toMatchObject({ steps, problem: null, finite: true, other: null })
    expect(figures.norm).toBeCloseTo(trained.update.norm!, 3)
    expect(figures.own!.gain!).toBeGreaterThan(0.1)
    expect(figures.holdout!.gain!).toBeGreaterThan(0.1)

    const run = {
      ...terms,
      seed: work.seed,
      rho: 0.5,
      update: work.update,
      others: [],
      folder: at('reference'),
      sample: 9,
      threads: 1,
    }
    const reference = await compute.run('reference', run)
    expect(reference.steps).toBe(steps / 2)
    expect(reference.curve.map(p => p.steps)).toEqual([40, 80, 120, 160, 200])
    expect(reference.curve.at(-1)!.along).toBeCloseTo(1, 6)
    expect(reference.along!).toBeGreaterThan(0.7)
    expect(readdirSync(folder)).not.toContain('reference')

    const updates = [{ path: work.update, weight: 600 }]
    await compute.run('aggregate', { spec, weights: work.weights, updates, out: at('next') })
    const score = async (weights: string) => compute.run('evaluate', { spec, weights, data: holdout })
    expect((await score(at('next'))).value).toBeGreaterThan((await score(work.weights)).value + 0.1)
    expect((await score(at('next'))).loss).toBeCloseTo(figures.holdout!.after!, 2)
  })

  it('prepares a spreadsheet into shards', async () => {
    const csv = Array.from({ length: 200 }, (_, i) => `${i % 7},${(i * i) % 11},${i % 2 ? 'yes' : 'no'}`)
    await import('node:fs/promises').then(fs =>
      fs.writeFile(at('table.csv'), ['a,b,answer', ...csv].join('\n')),
    )
    const inspection = await compute.run('inspect', { path: at('table.csv'), target: 'answer' })
    expect(inspection).toMatchObject({ rows: 200, target: 'answer', task: 'classification' })
    const order = { path: at('table.csv'), target: 'answer', out: at('out'), shards: 2, seed: 1 }
    const prepared = await compute.run('prepare', order)
    expect(prepared.shards.map(s => s.rows).reduce((a, b) => a + b, prepared.holdoutRows)).toBe(200)
  })

  it('delivers an update without numbers when the training diverges', async () => {
    const work = await order(2_000)
    const wild = { ...work, spec: specOf(4, [64], 1000) }
    const result = await compute.run('train', wild)
    expect(result).toMatchObject({ diverged: expect.stringMatching(/diverged/), losses: [], checkpoints: [] })
    const terms = {
      weights: work.weights,
      shard: work.data,
      holdout: work.data,
      steps: 2_000,
      seed: 1,
      sketchSeed: 1,
    }
    expect(await compute.run('measure', { ...terms, spec: wild.spec, update: work.update })).toMatchObject({
      problem: null,
      finite: false,
    })
  })

  it('says what the machine can do', async () => {
    const [first] = await compute.run('engines', {})
    expect(first).toMatchObject({ name: 'cpu', device: expect.any(String) })
    const { test, benchmark } = await compute.run('probe', { engine: 'cpu', milliseconds: 50 })
    expect(test).toMatchObject({ passed: true })
    expect(benchmark!.flopsPerSecond).toBeGreaterThan(1e6)
  })
})

describe('a worker that is interrupted while it trains', () => {
  /** Far more steps than it will be left to do. */
  const endless = async () => ({
    ...(await order(50_000_000)),
    checkpoints: { folder: at('checkpoints'), every: 500 },
  })
  const saved = () => readdirSync(at('checkpoints')).filter(name => name.endsWith('.safetensors'))

  it('by kill -9, gives an error, and the next call goes on in a new one', async () => {
    const work = await endless()
    let victim: number | undefined
    const killed = compute.run('train', work, {
      onProgress: ({ step }) => {
        if (step < 1_000 || victim) return
        ;[victim] = compute.pids()
        process.kill(victim!, 'SIGKILL')
      },
    })
    await expect(killed).rejects.toMatchObject({
      code: 'compute/worker-died',
      message: expect.stringMatching(/"train" \(signal SIGKILL\)/),
    })
    expect(saved().length).toBeGreaterThan(0)

    // The same work, to an end: it goes on from a checkpoint, with the bytes of a run that was never interrupted.
    const steps = 6_000
    const first: number[] = []
    const resumed = await compute.run('train', { ...work, steps }, { onProgress: p => first.push(p.step) })
    expect(first[0]).toBeGreaterThan(500)
    expect(compute.pids()).not.toContain(victim)
    const whole = { ...work, steps, update: at('whole'), checkpoints: { folder: at('others'), every: 500 } }
    expect((await compute.run('train', whole)).update.sha256).toBe(resumed.update.sha256)
  })

  it('by its caller, stops within a call of the engine, keeps a checkpoint and takes the next call', async () => {
    const work = await endless()
    const stop = new AbortController()
    const cancelled = compute.run('train', work, { signal: stop.signal, onProgress: () => stop.abort() })
    await expect(cancelled).rejects.toMatchObject({ code: 'compute/cancelled' })
    expect(saved().length).toBeGreaterThan(0)
    expect(readdirSync(folder).filter(name => name.startsWith('update'))).toEqual([])
    const [pid] = compute.pids()
    await compute.run('initialWeights', { spec, seed: 1, out: at('again') })
    expect(compute.pids()).toEqual([pid])
  })

  it('takes as many steps a call as fit into it, so that one call at most ends after the stop', async () => {
    const work = await endless()
    const stop = new AbortController()
    const told: { step: number; msPerStep: number }[] = []
    let after = 0
    const onProgress = ({
      step,
      steps,
      secondsLeft,
    }: {
      step: number
      steps: number
      secondsLeft: number
    }) => {
      if (stop.signal.aborted) after++
      else told.push({ step, msPerStep: (1000 * secondsLeft) / (steps - step) })
      // Not before what has arrived meanwhile was told.
      if (told.length === 12) setImmediate(() => stop.abort())
    }
    const cancelled = compute.run('train', work, { signal: stop.signal, onProgress })
    await expect(cancelled).rejects.toMatchObject({ code: 'compute/cancelled' })
    expect(after).toBeLessThanOrEqual(1)
    const calls = told.slice(1).map(({ step }, i) => ({ steps: step - told[i]!.step, ...told[i]! }))
    // By the trainer's own clock, from the call before; a single step is the least.
    for (const { steps, msPerStep } of calls) expect(steps === 1 || steps * msPerStep <= 150).toBe(true)
    expect(Math.max(...calls.map(({ steps }) => steps))).toBeGreaterThan(100)
  })

  it('does not wait for a step that takes long, and loses that step alone', async () => {
    const slow = { ...specOf(4, [2048, 2048]), batch: 4096 }
    const weights = at('theta')
    await compute.run('initialWeights', { spec: slow, seed: 1, out: weights })
    const rows = { data: await data('rows', 4096, 0), validation: await data('others', 16, 9) }
    const files = { ...rows, weights, folder: at('run'), out: at('out') }
    const work = { ...files, spec: slow, steps: 50, every: 25, seed: 1, threads: 1 }
    const firstStep = async () => {
      const stop = new AbortController()
      const steps: number[] = []
      const onProgress = ({ step }: { step: number }) => {
        steps.push(step)
        stop.abort()
      }
      const cancelled = compute.run('fit', work, { signal: stop.signal, onProgress })
      await expect(cancelled).rejects.toMatchObject({ code: 'compute/cancelled' })
      return steps
    }
    expect(await firstStep()).toEqual([1])
    expect(await firstStep()).toEqual([2])
  })
})

describe('a task that has nothing to keep', () => {
  it('is ended at once with its worker', async () => {
    const { weights, data } = await order(1)
    const stop = new AbortController()
    const evaluated = compute.run('evaluate', { spec, weights, data }, { signal: stop.signal })
    stop.abort()
    await expect(evaluated).rejects.toMatchObject({ code: 'compute/cancelled' })
    expect(compute.pids()).toEqual([])
  })
})

describe('aggregating', () => {
  it.skipIf(process.platform !== 'linux')('needs no more memory for forty updates than for one', async () => {
    const large = specOf(2048, [1024])
    await compute.run('initialWeights', { spec: large, seed: 1, out: at('theta') })
    const { size } = await compute.run('initialWeights', { spec: large, seed: 2, out: at('update') })
    const peak = async (count: number) => {
      const updates = Array.from({ length: count }, () => ({ path: at('update'), weight: 1 }))
      await compute.run('aggregate', { spec: large, weights: at('theta'), updates, out: at('next') })
      const status = readFileSync(`/proc/${compute.pids()[0]}/status`, 'utf8')
      return 1024 * Number(/VmHWM:\s+(\d+) kB/.exec(status)![1])
    }
    await peak(2)
    const before = await peak(2)
    expect((await peak(40)) - before).toBeLessThan(2 * size)
    const [theta, next] = [await readSafetensors(at('theta')), await readSafetensors(at('next'))]
    const update = await readSafetensors(at('update'))
    const [a, u, n] = [theta, update, next].map(t => t.get('0.bias')!.data as Float32Array)
    expect(n![5]).toBeCloseTo(a![5]! + u![5]!, 6)
  })
})
