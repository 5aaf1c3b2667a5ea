import { inShort } from '../../shared/errors.ts'
import { chooseEngine, type EngineName, type Probed } from '../training/index.ts'
import type { Caller, Input, Output } from './task.ts'
import type { GradstrTasks } from './tasks/index.ts'

/** An engine of this machine, and what a worker found out about it. */
export interface Surveyed extends Probed {
  device: string
  /** Bytes; null where the system does not tell. */
  memory: number | null
  benchmark: Output<GradstrTasks['probe']>['benchmark']
  /** Why it is used or not, in words. */
  reason: string
}

export interface Survey {
  engines: Surveyed[]
  /** Undefined when none computes right. */
  chosen: (Surveyed & { benchmark: NonNullable<Surveyed['benchmark']> }) | undefined
}

type SurveyOptions = Omit<Input<GradstrTasks['probe']>, 'engine'> & {
  signal?: AbortSignal
  /** How long one engine's probe may take, in milliseconds. Default a minute: some compile their kernels first. */
  limit?: number
}

/**
 * Finds this machine's engines, tests and measures each in a worker, one after the other, and chooses the fastest that
 * computes right. An engine that crashes its process or hangs is one that does not run here.
 */
export async function surveyEngines(
  compute: Caller<GradstrTasks>,
  { signal = new AbortController().signal, limit = 60_000, ...input }: SurveyOptions = {},
): Promise<Survey> {
  const found: Omit<Surveyed, 'reason'>[] = []
  for (const engine of await compute.run('engines', {}, { signal })) {
    const probe = (within: AbortSignal) =>
      compute.run('probe', { ...input, engine: engine.name }, { signal: within })
    found.push({ ...engine, ...(await probed(engine.name, probe, signal, limit)) })
  }
  const { chosen, reasons } = chooseEngine(found)
  const engines = found.map(one => ({ ...one, reason: reasons.get(one.name) ?? '' }))
  const best = engines.find(({ name }) => name === chosen)
  return { engines, chosen: best?.benchmark ? { ...best, benchmark: best.benchmark } : undefined }
}

async function probed(
  name: EngineName,
  probe: (within: AbortSignal) => Promise<Output<GradstrTasks['probe']>>,
  signal: AbortSignal,
  limit: number,
): Promise<Probed & Pick<Surveyed, 'benchmark'>> {
  const timeout = AbortSignal.timeout(limit)
  try {
    const { test, benchmark } = await probe(AbortSignal.any([signal, timeout]))
    return { name, test, benchmark, flopsPerSecond: benchmark?.flopsPerSecond ?? null, failure: null }
  } catch (error) {
    signal.throwIfAborted()
    const failure = timeout.aborted
      ? `it did not answer within ${Math.round(limit / 1000)} s`
      : inShort(error)
    return { name, test: null, benchmark: null, flopsPerSecond: null, failure }
  }
}
