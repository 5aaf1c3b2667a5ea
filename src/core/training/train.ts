import { UserError } from '../../shared/errors.ts'
import type { Seconds } from '../../shared/units.ts'
import { seconds } from '../../shared/units.ts'
import { readBase } from './base.ts'
import { Batches } from './batches.ts'
import { lastCheckpoint, type Progression, runIdentity, saveCheckpoint } from './checkpoint.ts'
import { type Data, readData } from './data.ts'
import type { EngineName } from './engine.ts'
import type { Fallback } from './fallback.ts'
import { modelOf } from './models/index.ts'
import { Pace } from './pace.ts'
import { parameters } from './parameters.ts'
import { freshState, type Runner } from './runner.ts'
import { writeSafetensors } from './safetensors/index.ts'
import type { TrainingSpec } from './spec.ts'
import { openSteadyRunner } from './steady-runner.ts'
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
   * the newest, bit for bit as if it had never stopped. They stay until the caller removes the folder.
   */
  checkpoints?: { folder: string; every: number }
  threads?: number
  /** Leaves the machine usable for the person at it: fewer threads, which sleep while they wait. */
  gentle?: boolean
  /** The CPU when left out. Should it fail in mid-run, the run goes on with fewer rows at a time, or on the CPU. */
  engine?: EngineName
  /** Rows that go through the model at a time, a divisor of the batch; all of it when left out. */
  microBatch?: number
  /** Called after every call of the engine, at most half a second apart for all but the largest models. */
  onProgress?: (progress: TrainProgress) => void
  /** Stops within one call of the engine; a checkpoint is written if there is a folder for it. */
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
  const { spec, steps, checkpoints, signal } = request
  const weights = await readWeights(spec, request.weights)
  const data = await readData(spec, request.data)
  const base = await baseOf(request)
  const run = checkpoints
    ? await runIdentity(spec, [request.seed, request.first ?? 0], [request.weights, request.data], base)
    : ''
  const resumed = checkpoints && (await lastCheckpoint(checkpoints.folder, run, spec, steps))
  const start = resumed ?? {
    step: 0,
    state: freshState(spec, weights),
    losses: new Float32Array(0),
    checkpoints: [],
  }
  const fallbacks: Fallback[] = []
  const end = await runSteps(request, data, start, { run, fallbacks, base })
  const stopped = end.step < steps && signal?.aborted === true
  if (!stopped) await writeWeights(request, end)
  else if (checkpoints) await saveCheckpoint(checkpoints.folder, run, end)
  return {
    steps: end.step,
    losses: Array.from(end.losses),
    checkpoints: end.checkpoints,
    seconds: seconds((performance.now() - began) / 1000),
    fallbacks,
    stopped,
  }
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

/** @throws UserError `training/diverged`: the last update is not in any loss */
async function writeWeights({ spec, out }: TrainRequest, { state, step }: Progression): Promise<void> {
  const weights: Tensors = new Map()
  for (const { name } of parameters(spec)) {
    const tensor = state.get(name)
    if (!tensor) throw new RangeError(`the state lacks "${name}"`)
    if (!floats(tensor).every(Number.isFinite))
      throw diverged(`The weights "${name}" overflowed at step ${step}`)
    weights.set(name, tensor)
  }
  await writeSafetensors(out, weights)
}

/** Where a run stands between two calls of the engine: a `Progression` without the state, which the engine holds. */
type At = Omit<Progression, 'state'>

async function runSteps(
  request: TrainRequest,
  data: Data,
  start: Progression,
  { run, fallbacks, base }: { run: string; fallbacks: Fallback[]; base: Tensors },
): Promise<Progression> {
  const { spec, steps, seed, first = 0, checkpoints, onProgress, signal } = request
  if (start.step >= steps) return start
  const { state, ...begun } = start
  let at: At = begun
  const options = { ...request, base, onFallback: (fallback: Fallback) => fallbacks.push(fallback) }
  const runner = await openSteadyRunner(spec, data, state, options)
  const batches = new Batches(data.rows, spec.batch, seed)
  const pace = new Pace(steps - at.step)
  try {
    while (at.step < steps && !signal?.aborted) {
      const boundary = checkpoints
        ? checkpoints.every - (at.step % checkpoints.every)
        : Number.POSITIVE_INFINITY
      const n = Math.min(pace.next(), steps - at.step, boundary)
      at = await pace.measure(n, () => advance(runner, batches, at, n, first))
      if (checkpoints && n === boundary) {
        const sha256 = await saveCheckpoint(checkpoints.folder, run, { ...at, state: await runner.state() })
        at = { ...at, checkpoints: [...at.checkpoints, sha256] }
      }
      const fallback = fallbacks.at(-1)
      onProgress?.({
        step: at.step,
        steps,
        loss: at.losses.at(-1) ?? Number.NaN,
        secondsLeft: pace.left(),
        ...(fallback ? { fallback } : {}),
      })
    }
    return { ...at, state: await runner.state() }
  } finally {
    await runner.close()
  }
}

/** `n` steps in one call of the engine. @throws UserError `training/diverged` */
async function advance(runner: Runner, batches: Batches, at: At, n: number, first: number): Promise<At> {
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
