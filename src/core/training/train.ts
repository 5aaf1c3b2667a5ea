import { UserError } from '../../shared/errors.ts'
import type { Seconds } from '../../shared/units.ts'
import { seconds } from '../../shared/units.ts'
import { readBase } from './base.ts'
import { Batches } from './batches.ts'
import { hashesOf, lastCheckpoint, type Progression, runIdentity, saveCheckpoint } from './checkpoint.ts'
import { readData } from './data.ts'
import type { EngineName } from './engine.ts'
import type { Fallback } from './fallback.ts'
import { modelOf } from './models/index.ts'
import { Pace } from './pace.ts'
import { parameters } from './parameters.ts'
import { RecentState } from './recent-state.ts'
import { freshState } from './runner.ts'
import { writeSafetensors } from './safetensors/index.ts'
import type { TrainingSpec } from './spec.ts'
import { openSteadyRunner, type Steady } from './steady-runner.ts'
import { floats, type Tensors } from './tensor.ts'
import { readWeights } from './weights.ts'

export interface TrainRequest {
  spec: TrainingSpec
  /** Safetensors file with the weights to begin with. */
  weights: string
  /** Of an adapter: the base's weights, or their safetensors file or folder of Hugging Face's layout; see `readBase`. */
  base?: string | Tensors
  /** Safetensors file with `x` and `y`, see `readData`. */
  data: string
  steps: number
  /** Steps of the job before this run, which the learning rate's schedule counts; none when left out. */
  first?: number
  /** Decides the order of the rows; see `Batches`. */
  seed: number
  /** Safetensors file for the new weights; written when all steps are done. */
  out: string
  /**
   * Where to keep checkpoints and after how many steps each. A run that finds its own checkpoints here goes on from
   * the newest, bit for bit as if it had never stopped. They stay until the caller removes the folder. Between them the
   * newest state is kept here too, see `RecentState`.
   */
  checkpoints?: {
    folder: string
    every: number
    /**
     * Sees the weights after each was kept, and those of the one the run goes on from: it may have been killed before or
     * while they were looked at. Should return soon once `signal` is aborted.
     */
    look?: (step: number, weights: Tensors) => Promise<void>
  }
  threads?: number
  /** Leaves the machine usable for the person at it: fewer threads, which sleep while they wait. */
  gentle?: boolean
  /** The CPU when left out. Should it fail in mid-run, the run goes on with fewer rows at a time, or on the CPU. */
  engine?: EngineName
  /** Rows that go through the model at a time, a divisor of the batch; all of it when left out. */
  microBatch?: number
  /** Called after every call of the engine, at most half a second apart for all but the largest models. */
  onProgress?: (progress: TrainProgress) => void
  /** Stops within one call of the engine, which nothing can interrupt; a checkpoint is written if there is a folder for it. */
  signal?: AbortSignal
}

export interface TrainProgress {
  step: number
  steps: number
  /** Of the last step done. */
  loss: number
  secondsLeft: Seconds
  /** The newest change of engine or micro-batch, where there was one. */
  fallback?: Fallback
}

export interface TrainResult {
  /** Done in total, those before a resumption included. */
  steps: number
  /** Of every step, before its update. */
  losses: number[]
  /** SHA-256 of the checkpoints at multiples of `every`. */
  checkpoints: string[]
  /** Spent in this call. */
  seconds: Seconds
  /** Changes of engine or micro-batch that failures forced, in their order. */
  fallbacks: Fallback[]
  /** Whether the signal ended it before the last step; `out` is not written then. */
  stopped: boolean
}

/**
 * Trains a model for a number of steps, from file to file. The optimizer's state is zero at the start.
 * @throws UserError `training/weights`, `training/data`, `training/safetensors`, `training/checkpoint-foreign`,
 *   `training/diverged`, `training/engine`, `training/memory` when even one row at a time does not fit
 */
export async function train(request: TrainRequest): Promise<TrainResult> {
  const began = performance.now()
  const { steps, checkpoints, signal } = request
  const run = await begin(request)
  try {
    const at = await runSteps(request, run)
    const stopped = at.step < steps && signal?.aborted === true
    if (!stopped) await writeWeights(request, { ...at, state: await run.runner.state() })
    else if (checkpoints && !run.recent?.has(at.step))
      await saveCheckpoint(checkpoints.folder, run.identity, { ...at, state: await run.runner.state() })
    return {
      steps: at.step,
      losses: Array.from(at.losses),
      checkpoints: at.checkpoints,
      seconds: seconds((performance.now() - began) / 1000),
      fallbacks: run.fallbacks,
      stopped,
    }
  } finally {
    await run.runner.close()
  }
}

/** A run that is open in an engine. */
interface Run {
  runner: Steady
  /** Rows of the dataset. */
  rows: number
  /** Tells its checkpoints from those of other runs; empty where it keeps none. */
  identity: string
  fallbacks: Fallback[]
  /** Where it goes on. */
  start: At
  /** Where it keeps checkpoints. */
  recent: RecentState | undefined
}

/** Reads everything and opens the engine, which alone then holds the state: it may be most of the memory there is. */
async function begin(request: TrainRequest): Promise<Run> {
  const { spec, steps, seed, first = 0, checkpoints } = request
  const weights = await readWeights(spec, request.weights)
  const data = await readData(spec, request.data)
  const base = await baseOf(request)
  const identity = checkpoints
    ? await runIdentity(spec, [seed, first], [request.weights, request.data], base)
    : ''
  const resumed = checkpoints && (await lastCheckpoint(checkpoints.folder, identity, spec, steps))
  const { state, ...at } = resumed ?? {
    step: 0,
    state: freshState(spec, weights),
    losses: new Float32Array(0),
    checkpoints: [],
  }
  const start = checkpoints ? { ...at, checkpoints: await hashesOf(checkpoints, at) } : at
  const fallbacks: Fallback[] = []
  const onFallback = (fallback: Fallback) => fallbacks.push(fallback)
  const runner = await openSteadyRunner(spec, data, state, { ...request, base, onFallback })
  const recent = checkpoints && new RecentState(checkpoints, identity, start.step)
  return { runner, rows: data.rows, identity, fallbacks, start, recent }
}

/** @throws UserError `training/base` when the spec asks for a base and the request names none */
async function baseOf({ spec, base }: TrainRequest): Promise<Tensors> {
  if (modelOf(spec).frozen.length === 0) return new Map()
  if (base !== undefined) return typeof base === 'string' ? readBase(spec, base) : base
  throw new UserError('training/base', {
    message: 'An adapter is trained on a base model, and none is named.',
    fix: 'Name the folder of the base model.',
  })
}

const writeWeights = async ({ spec, out }: TrainRequest, end: Progression): Promise<void> =>
  void (await writeSafetensors(out, weightsIn(spec, end)))

/** @throws UserError `training/diverged`: the last update is not in any loss */
function weightsIn(spec: TrainingSpec, { state, step }: Pick<Progression, 'state' | 'step'>): Tensors {
  const weights: Tensors = new Map()
  for (const { name } of parameters(spec)) {
    const tensor = state.get(name)
    if (!tensor) throw new RangeError(`the state lacks "${name}"`)
    if (!floats(tensor).every(Number.isFinite))
      throw diverged(`The weights "${name}" overflowed at step ${step}`)
    weights.set(name, tensor)
  }
  return weights
}

/** Where a run stands between two calls of the engine: a `Progression` without the state, which the engine holds. */
type At = Omit<Progression, 'state'>

async function runSteps(
  request: TrainRequest,
  { runner, rows, identity, fallbacks, start, recent }: Run,
): Promise<At> {
  const { spec, steps, seed, first = 0, checkpoints, onProgress, signal } = request
  await look(request, runner, start.step)
  const batches = new Batches(rows, spec.batch, seed)
  const pace = new Pace(steps - start.step)
  let at = start
  while (at.step < steps && !signal?.aborted) {
    const boundary = checkpoints
      ? checkpoints.every - (at.step % checkpoints.every)
      : Number.POSITIVE_INFINITY
    const n = Math.min(pace.next(), steps - at.step, boundary)
    at = await pace.measure(n, () => advance(runner, batches, at, n, first))
    const progression = async () => ({ ...at, state: await runner.state() })
    if (checkpoints && n === boundary) {
      const sha256 = await saveCheckpoint(checkpoints.folder, identity, await progression())
      at = { ...at, checkpoints: [...at.checkpoints, sha256] }
      await recent?.replaced(at.step)
      await look(request, runner, at.step)
    } else await recent?.after(pace.lastCall, progression)
    const fallback = fallbacks.at(-1)
    onProgress?.({
      step: at.step,
      steps,
      loss: at.losses.at(-1) ?? Number.NaN,
      secondsLeft: pace.left(),
      ...(fallback ? { fallback } : {}),
    })
  }
  return at
}

/** Has the caller look at the weights where there is a checkpoint. */
async function look({ spec, checkpoints }: TrainRequest, runner: Steady, step: number): Promise<void> {
  if (!checkpoints?.look || step === 0 || step % checkpoints.every !== 0) return
  await checkpoints.look(step, weightsIn(spec, { state: await runner.state(), step }))
}

/** `n` steps in one call of the engine. @throws UserError `training/diverged` */
async function advance(runner: Steady, batches: Batches, at: At, n: number, first: number): Promise<At> {
  const losses = await runner.run(batches.of(at.step, n), first + at.step)
  const bad = losses.findIndex(loss => !Number.isFinite(loss))
  if (bad >= 0) throw diverged(`The loss became ${losses[bad]} at step ${at.step + bad + 1}`)
  const all = new Float32Array(at.losses.length + n)
  all.set(at.losses)
  all.set(losses, at.losses.length)
  return { step: at.step + n, losses: all, checkpoints: at.checkpoints }
}

const diverged = (what: string): UserError =>
  new UserError('training/diverged', {
    message: `${what}: training diverged.`,
    fix: 'Lower the learning rate, or check the dataset for extreme values.',
  })
