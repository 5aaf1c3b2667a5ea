import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { UserError } from '../../shared/errors.ts'
import { Batches } from './batches.ts'
import { type Progression, readCheckpoint, saveCheckpoint } from './checkpoint.ts'
import { readData } from './data.ts'
import { openRunner, type RunnerOptions } from './runner.ts'
import type { TrainingSpec } from './spec.ts'
import { floats, type Tensors } from './tensor.ts'

export interface ReplayRequest extends RunnerOptions {
  spec: TrainingSpec
  /** Safetensors file with the rows, as the run had it. */
  data: string
  /** The run's; see `TrainRequest`. */
  seed: number
  first?: number
  /** A checkpoint of the run. */
  from: string
  /** Steps to take again: as many as the run took between two checkpoints. */
  steps: number
  /** Folder for the checkpoint that follows. */
  out: string
  /** Steps per call of the engine: how the work is cut changes no number. */
  stepsPerCall?: number
  signal?: AbortSignal
}

export interface Replayed {
  /** Of the checkpoint that follows. The run's own has it too where engine, machine and threads are the same. */
  sha256: string
  at: Progression
}

/**
 * Takes the steps after a checkpoint again and writes the checkpoint that follows from it, bit for bit the run's own on
 * the engine and machine of the run with its number of threads; elsewhere `compareWork` tells how near they are.
 * @throws UserError `training/checkpoint` when `from` is no sound checkpoint of this spec; `training/data`,
 *   `training/engine`, `training/memory`; AbortError
 */
export async function replay(request: ReplayRequest): Promise<Replayed> {
  const { spec, seed, first = 0, steps, out, stepsPerCall = 50, signal } = request
  const { run, at: from } = await progressionOf(spec, request.from)
  const data = await readData(spec, request.data)
  const batches = new Batches(data.rows, spec.batch, seed)
  const losses = new Float32Array(from.step + steps)
  losses.set(from.losses)
  const runner = await openRunner(spec, data, from.state, request)
  try {
    for (let step = from.step; step < losses.length; step += stepsPerCall) {
      signal?.throwIfAborted()
      const n = Math.min(stepsPerCall, losses.length - step)
      losses.set(await runner.run(batches.of(step, n), first + step), step)
    }
    const before = createHash('sha256').update(await readFile(request.from))
    const checkpoints = [...from.checkpoints, before.digest('hex')]
    const at = { step: losses.length, state: await runner.state(), losses, checkpoints }
    return { at, sha256: await saveCheckpoint(out, run, at) }
  } finally {
    await runner.close()
  }
}

/** What a checkpoint of this spec holds. @throws UserError `training/checkpoint` */
export async function progressionOf(
  spec: TrainingSpec,
  path: string,
): Promise<{ run: string; at: Progression }> {
  const found = await readCheckpoint(path, spec)
  if (found) return found
  throw new UserError('training/checkpoint', {
    message: 'This file is no sound checkpoint of this training.',
    fix: 'Get it again from where it came from.',
    where: path,
  })
}

/** How far claimed work is from the same work taken again. */
export interface Comparison {
  /** Whether every number of the state and every loss is the same, bit for bit. */
  exact: boolean
  /** `‖again − claimed‖ / ‖again − start‖` over the state: 0 is the same way, about 1 is work that was not done. */
  deviation: number
  /** Largest difference between a claimed loss and the one found, as a part of it. */
  lossError: number
  /** Exact, or within `REPLAY_TOLERANCE`. */
  passed: boolean
}

/**
 * What another engine or another machine may be off by. Sums in another order differ in the last bits, and AdamW turns
 * a gradient near 0 into a step of full length either way; work that was not done is off by about 1.
 */
export const REPLAY_TOLERANCE = { deviation: 0.05, lossError: 1e-3 } as const

/** Compares claimed steps with the same steps taken again. */
export function compareWork(start: Progression, claimed: Progression, again: Progression): Comparison {
  const [found, said] = [again, claimed].map(({ losses }) => losses.subarray(start.step))
  if (!found || !said || claimed.step !== again.step) return { ...NOTHING_ALIKE }
  const way = distance(again.state, start.state)
  const off = distance(again.state, claimed.state)
  const deviation = off === 0 ? 0 : off / way
  const lossError = found.reduce((worst, loss, i) => larger(worst, relative(loss, said[i])), 0)
  const exact = off === 0 && lossError === 0
  const { deviation: far, lossError: wrong } = REPLAY_TOLERANCE
  return { exact, deviation, lossError, passed: deviation <= far && lossError <= wrong }
}

const NOTHING_ALIKE: Comparison = {
  exact: false,
  deviation: Number.POSITIVE_INFINITY,
  lossError: Number.POSITIVE_INFINITY,
  passed: false,
}

/** NaN is larger than anything, so that it is never within a tolerance. */
const larger = (a: number, b: number): number => (Number.isNaN(a) || a > b ? a : b)

const relative = (loss: number, said = Number.NaN): number =>
  loss === said ? 0 : Math.abs(loss - said) / Math.abs(loss)

/** Euclidean, over all tensors. */
function distance(a: Tensors, b: Tensors): number {
  let sum = 0
  for (const [name, tensor] of a) {
    const other = b.get(name)
    const values = other ? floats(other) : undefined
    for (const [i, value] of floats(tensor).entries()) sum += (value - (values?.[i] ?? Number.NaN)) ** 2
  }
  return Math.sqrt(sum)
}
