import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type Seconds, seconds } from '../../shared/units.ts'
import { writeAtomically } from './atomic.ts'
import { readBase } from './base.ts'
import { dropCheckpointsBefore } from './checkpoint.ts'
import type { Data } from './data.ts'
import type { EngineName } from './engine.ts'
import { type Evaluator, evaluator } from './evaluator.ts'
import type { TrainingSpec } from './spec.ts'
import type { Tensors } from './tensor.ts'
import { type TrainProgress, type TrainRequest, train } from './train.ts'
import { readWeights } from './weights.ts'

/** How good the model was on rows it does not learn from. */
const validation = z.object({
  /** Steps done by then. */
  step: z.int().positive(),
  /** As `Losses`; null when it was not a number. */
  loss: z.number().nullable(),
  accuracy: z.number().optional(),
})
export type Validation = z.infer<typeof validation>

export interface FitRequest {
  spec: TrainingSpec
  /** Safetensors: the weights to begin with, the rows to learn from, and others to look at. */
  weights: string
  data: string
  validation: string
  /** As for `train`. */
  base?: string
  steps: number
  /** Steps from one look at the validation rows, and one checkpoint, to the next. */
  every: number
  seed: number
  /**
   * Where checkpoints and the validations so far are kept. The same request goes on from there; the folder is the caller's
   * to remove.
   */
  folder: string
  /** Safetensors file for the new weights. */
  out: string
  threads?: number
  gentle?: boolean
  /** As for `train`; the validation rows are looked at on the CPU. */
  engine?: EngineName
  /** As for `train`. */
  microBatch?: number
  onProgress?: (progress: FitProgress) => void
  /** Stops within one call of the engine and leaves a checkpoint. */
  signal?: AbortSignal
}

export interface FitProgress extends TrainProgress {
  /** The newest, if there is one. */
  validation: Validation | undefined
}

export interface FitResult {
  steps: number
  /** Of every step, before its update. */
  losses: number[]
  validations: Validation[]
  /** Spent in this call. */
  seconds: Seconds
  stopped: boolean
}

/** Rows of the validation that are looked at on the way: enough for a curve. */
const MOST_ROWS = 1000
const CURVE = 'validations.json'

/**
 * Trains on one machine and looks at other rows after each checkpoint, and at the end. It is one run of `train`: the weights
 * are the same as without.
 * @throws UserError as `train`
 */
export async function fitModel(request: FitRequest): Promise<FitResult> {
  const began = performance.now()
  const { spec, steps, every, folder, out } = request
  const base = request.base === undefined ? undefined : await readBase(spec, request.base)
  const validations = await readCurve(folder)
  const rows = new ValidationRows(request, base)
  const look = async (step: number, weights: Tensors): Promise<void> => {
    if (validations.some(known => known.step === step)) return
    const losses = await rows.losses(weights)
    if (!losses) return
    validations.push({ step, ...losses })
    await writeCurve(folder, validations)
    await dropCheckpointsBefore(folder, step - every)
  }
  try {
    const run = await train(trainRequest(request, base, validations, look))
    if (!run.stopped) {
      await look(steps, await readWeights(spec, out))
      await dropCheckpointsBefore(folder, steps - (steps % every))
      tellEnd(request, run.losses, validations)
    }
    const spent = seconds((performance.now() - began) / 1000)
    return { steps: run.steps, losses: run.losses, validations, seconds: spent, stopped: run.stopped }
  } finally {
    await rows.close()
  }
}

function trainRequest(
  request: FitRequest,
  base: Tensors | undefined,
  validations: readonly Validation[],
  look: (step: number, weights: Tensors) => Promise<void>,
): TrainRequest {
  const { spec, weights, data, steps, every, seed, folder, out } = request
  const { threads, gentle, engine, microBatch, signal, onProgress } = request
  return {
    ...{ spec, weights, data, steps, seed, out, checkpoints: { folder, every, look } },
    ...(threads === undefined ? {} : { threads }),
    ...(gentle === undefined ? {} : { gentle }),
    ...(engine === undefined ? {} : { engine }),
    ...(base === undefined ? {} : { base }),
    ...(microBatch === undefined ? {} : { microBatch }),
    ...(signal ? { signal } : {}),
    onProgress: at => onProgress?.({ ...at, validation: validations.at(-1) }),
  }
}

function tellEnd({ steps, onProgress }: FitRequest, losses: number[], validations: Validation[]): void {
  const loss = losses.at(-1) ?? Number.NaN
  onProgress?.({ step: steps, steps, loss, secondsLeft: seconds(0), validation: validations.at(-1) })
}

/** The validation rows, and a session that looks at them: opened at the first look, kept for the others. */
class ValidationRows {
  readonly #request: FitRequest
  readonly #base: Tensors | undefined
  #engine: Evaluator | undefined
  #picked: { data: Data; rows: number[] } | undefined

  constructor(request: FitRequest, base: Tensors | undefined) {
    this.#request = request
    this.#base = base
  }

  /** @returns nothing when the request's signal ended it */
  async losses(weights: Tensors): Promise<Omit<Validation, 'step'> | undefined> {
    const { spec, threads, signal } = this.#request
    this.#engine ??= await evaluator(spec, { threads, base: this.#base })
    this.#picked ??= await this.#pick(this.#engine)
    const { data, rows } = this.#picked
    const found = await this.#engine.losses(weights, data, rows, signal).catch(error => {
      if (signal?.aborted && error === signal.reason) return undefined
      throw error
    })
    if (!found) return undefined
    const { loss, accuracy } = found
    return { loss: Number.isFinite(loss) ? loss : null, ...(accuracy === undefined ? {} : { accuracy }) }
  }

  async #pick(engine: Evaluator): Promise<{ data: Data; rows: number[] }> {
    const data = await engine.load(this.#request.validation)
    const count = Math.min(data.rows, MOST_ROWS)
    const rows = Array.from({ length: count }, (_, i) => Math.floor((i * data.rows) / count))
    return { data, rows }
  }

  async close(): Promise<void> {
    await this.#engine?.close()
  }
}

async function readCurve(folder: string): Promise<Validation[]> {
  const text = await readFile(join(folder, CURVE), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '[]'
    throw error
  })
  return z.array(validation).parse(JSON.parse(text))
}

const writeCurve = (folder: string, validations: readonly Validation[]): Promise<void> =>
  writeAtomically(join(folder, CURVE), file => file.writeFile(JSON.stringify(validations)))
