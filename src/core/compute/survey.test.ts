import { describe, expect, it } from 'vitest'
import { UserError } from '../../shared/errors.ts'
import { surveyEngines } from './survey.ts'
import type { Caller, CallOptions, Input, Output } from './task.ts'
import type { GradstrTasks } from './tasks/index.ts'

type Probe = Output<GradstrTasks['probe']>
type Answer = (input: Input<GradstrTasks['probe']>, signal?: AbortSignal) => Promise<Probe>

const right = (flopsPerSecond: number): Probe => ({
  test: { passed: true, error: 0.1, worst: 'mlp' },
  benchmark: { secondsPerStep: 1, rowsPerSecond: 1, flopsPerSecond },
})

/** Workers that list a processor and a card, whose probe answers as it is told: no test machine has each of these. */
function workers(card: Answer): Caller<GradstrTasks> {
  const run = async (name: string, input: unknown, options?: CallOptions<GradstrTasks['probe']>) => {
    if (name === 'engines')
      return [
        { name: 'cpu', device: 'Chip', memory: 8e9 },
        { name: 'webgpu', device: 'Card', memory: null },
      ]
    const asked = input as Input<GradstrTasks['probe']> // by the name
    return asked.engine === 'cpu' ? right(100e9) : card(asked, options?.signal)
  }
  return { run: run as Caller<GradstrTasks>['run'] } // answers for the two tasks that a survey calls
}

describe('a survey of the engines', () => {
  it('chooses the card that is faster, and hands every probe what was asked', async () => {
    const threads: (number | undefined)[] = []
    const compute = workers(async input => {
      threads.push(input.threads)
      return right(900e9)
    })
    const { chosen, engines } = await surveyEngines(compute, { threads: 3 })
    expect(chosen).toMatchObject({ name: 'webgpu', device: 'Card', benchmark: { flopsPerSecond: 900e9 } })
    expect(threads).toEqual([3])
    expect(engines.map(({ reason }) => reason.split(',')[0])).toEqual(['not used', 'used'])
  })

  it('goes on when a driver takes the worker with it', async () => {
    const died = new UserError('compute/worker-died', { message: 'ended (signal SIGSEGV)\nmore', fix: '' })
    const { chosen, engines } = await surveyEngines(workers(() => Promise.reject(died)))
    expect(chosen?.name).toBe('cpu')
    expect(engines[1]).toMatchObject({ failure: 'ended (signal SIGSEGV)', test: null })
  })

  it('goes on when a driver hangs', async () => {
    const hanging: Answer = (_, signal) =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('stopped'))))
    const { chosen, engines } = await surveyEngines(workers(hanging), { limit: 20 })
    expect(chosen?.name).toBe('cpu')
    expect(engines[1]?.reason).toMatch(/did not answer within/)
  })

  it('ends when its caller does not want it any more', async () => {
    const stop = new AbortController()
    const compute = workers(() => {
      stop.abort()
      return Promise.reject(new Error('stopped'))
    })
    await expect(surveyEngines(compute, { signal: stop.signal })).rejects.toMatchObject({
      name: 'AbortError',
    })
  })
})
