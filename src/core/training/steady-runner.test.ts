import { describe, expect, it } from 'vitest'
import { UserError } from '../../shared/errors.ts'
import { Batches } from './batches.ts'
import type { Fallback } from './fallback.ts'
import { initialWeights } from './parameters.ts'
import { randomData } from './random-data.ts'
import { freshState, openRunner, type RunnerOptions } from './runner.ts'
import { engineError } from './session.ts'
import type { TrainingSpec } from './spec.ts'
import { openSteadyRunner } from './steady-runner.ts'
import { floats, type Tensors } from './tensor.ts'

const spec: TrainingSpec = {
  recipe: 'mlp',
  model: { inputs: 6, hidden: [5], outputs: 3 },
  task: 'classification',
  input: { dtype: 'f32', scale: 1, shift: 0 },
  batch: 12,
  optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0.9, weightDecay: 0 },
}
const data = randomData(spec, 60)
const batches = new Batches(data.rows, spec.batch, 7)
const start = () => freshState(spec, initialWeights(spec, 1))

type Failure = (options: RunnerOptions, call: number) => Error | undefined

/** Real runners, all on the CPU, that fail as a card in their place would: the tests' machines have none to break. */
function failing(failure: Failure) {
  const opened: RunnerOptions[] = []
  const open: typeof openRunner = async (...[spec, data, state, options]) => {
    opened.push(options)
    const runner = await openRunner(spec, data, state, { ...options, engine: 'cpu' })
    let call = 0
    return {
      ...runner,
      // What stands for a card keeps its state to itself.
      here: options.engine === undefined || options.engine === 'cpu',
      state: () => runner.state(),
      close: () => runner.close(),
      run: async (rows, first) => {
        const error = failure(options, call++)
        if (error) throw error
        return runner.run(rows, first)
      },
    }
  }
  return { open, opened }
}

async function sixCalls(failure: Failure, options: RunnerOptions) {
  const { open, opened } = failing(failure)
  const fallbacks: Fallback[] = []
  const onFallback = (fallback: Fallback) => fallbacks.push(fallback)
  const runner = await openSteadyRunner(spec, data, start(), { ...options, threads: 1, open, onFallback })
  const losses: number[] = []
  for (let call = 0; call < 6; call++) losses.push(...(await runner.run(batches.of(2 * call, 2), 2 * call)))
  const state = await runner.state()
  await runner.close()
  return { losses, state, fallbacks, opened }
}

const lost = () => engineError('stopped', new Error('Device was lost'))
const full = () => engineError('stopped', new Error('Failed to allocate memory for requested buffer'))

function expectSame(found: Tensors, expected: Tensors, tolerance: number): void {
  for (const [name, tensor] of expected)
    for (const [i, value] of floats(tensor).entries())
      expect(Math.abs(floats(found.get(name)!)[i]! - value)).toBeLessThanOrEqual(tolerance)
}

describe('a run whose engine fails in the middle', () => {
  it('goes on on the CPU when the device is lost, with the numbers of a run that never stopped', async () => {
    const calm = await sixCalls(() => undefined, { engine: 'cpu' })
    expect(calm.fallbacks).toEqual([])
    const { losses, state, fallbacks } = await sixCalls(
      ({ engine }, call) => (engine === 'webgpu' && call === 3 ? lost() : undefined),
      { engine: 'webgpu' },
    )
    expect(losses).toEqual(calm.losses)
    expectSame(state, calm.state, 0)
    expect(fallbacks).toEqual([
      {
        engine: 'cpu',
        microBatch: 12,
        step: 6,
        reason: 'WebGPU: The training engine stopped: Device was lost. It goes on on the CPU.',
      },
    ])
  })

  it('takes fewer rows at a time when memory runs out, until they fit', async () => {
    const calm = await sixCalls(() => undefined, {})
    const { losses, state, fallbacks, opened } = await sixCalls(
      ({ microBatch = 12 }) => (microBatch > 3 ? full() : undefined),
      { engine: 'webgpu' },
    )
    expect(opened.map(o => o.microBatch)).toEqual([12, 6, 3])
    expect(fallbacks.map(f => f.engine)).toEqual(['webgpu', 'webgpu'])
    expect(fallbacks[1]?.reason).toMatch(/Failed to allocate.* It goes on with 3 rows at a time\.$/)
    for (const [i, loss] of calm.losses.entries()) expect(losses[i]).toBeCloseTo(loss, 5)
    expectSame(state, calm.state, 1e-5)
  })

  it('tries the CPU when a card has no room for one row, and ends when the CPU has none', async () => {
    const onCard: Failure = ({ engine }) => (engine === 'cuda' ? full() : undefined)
    expect((await sixCalls(onCard, { engine: 'cuda' })).fallbacks.map(f => f.microBatch)).toEqual([
      6, 3, 1, 12,
    ])
    await expect(sixCalls(() => full(), {})).rejects.toMatchObject({ code: 'training/memory' })
  })

  it('takes what a card forgot again from the state in memory', async () => {
    let slow = 0
    // Reading back takes long here, so that it is done rarely: the calls since must be taken again.
    const { open } = failing(({ engine }, call) => (engine === 'cuda' && call === 5 ? lost() : undefined))
    const reading: typeof openRunner = async (...args) => {
      const runner = await open(...args)
      const state = async () => {
        slow++
        const until = performance.now() + 30
        while (performance.now() < until);
        return runner.state()
      }
      return { ...runner, state }
    }
    const fallbacks: Fallback[] = []
    const options = { engine: 'cuda' as const, threads: 1, open: reading }
    const onFallback = (fallback: Fallback) => fallbacks.push(fallback)
    const runner = await openSteadyRunner(spec, data, start(), { ...options, onFallback })
    const losses: number[] = []
    for (let call = 0; call < 6; call++) losses.push(...(await runner.run(batches.of(2 * call, 2), 2 * call)))
    const state = await runner.state()
    await runner.close()
    expect(slow).toBeLessThan(4)
    expect(fallbacks).toHaveLength(1)
    const calm = await sixCalls(() => undefined, {})
    expect(losses).toEqual(calm.losses)
    expectSame(state, calm.state, 0)
  })

  it('goes on from the state that the CPU left in memory, where nothing else keeps it', async () => {
    const calm = await sixCalls(() => undefined, {})
    const { losses, state, fallbacks } = await sixCalls(
      ({ microBatch = 12 }, call) => (microBatch === 12 && call === 3 ? full() : undefined),
      {},
    )
    expect(fallbacks).toMatchObject([{ engine: 'cpu', microBatch: 6, step: 6 }])
    for (const [i, loss] of calm.losses.entries()) expect(losses[i]).toBeCloseTo(loss, 5)
    expectSame(state, calm.state, 1e-5)
  })

  it('does not hide an error that no other engine mends', async () => {
    const broken: Failure = () => new UserError('training/diverged', { message: 'no', fix: 'no' })
    await expect(sixCalls(broken, { engine: 'cuda' })).rejects.toMatchObject({ code: 'training/diverged' })
  })
})
