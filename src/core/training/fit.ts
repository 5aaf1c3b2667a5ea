import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type Seconds, seconds } from '../../shared/units.ts'
import { writeAtomically } from './atomic.ts'
import { readBase } from './base.ts'
import { dropCheckpointsBefore } from './checkpoint.ts'
import type { EngineName } from './engine.ts'
import { evaluator } from './evaluator.ts'
import type { TrainingSpec } from './spec.ts'
import type { Tensors } from './tensor.ts'
import { type TrainProgress, train } from './train.ts'
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
 * Trains on one machine and looks at other rows on the way. It is one run of `train`, interrupted at each checkpoint: the
 * weights are the same as without.
 * @throws UserError as `train`
 */
export async function fitModel(request: FitRequest): Promise<FitResult> {
  const began = performance.now()
  const { steps, every, folder, signal } = request
  const validations = await readCurve(folder)
  const base = request.base === undefined ? undefined : await readBase(request.spec, request.base)
  let [losses, stopped, done]: [number[], boolean, number] = [[], false, 0]
  for (let end = Math.min(every, steps); !stopped; end = Math.min(end + every, steps)) {
    const known = validations.some(({ step }) => step === end)
    if (known && end < steps) continue
    ;({ losses, stopped, steps: done } = await trainTo(end, request, base, validations.at(-1)))
    if (!stopped && !known) {
      validations.push(await validate(request, base, end))
      await writeCurve(folder, validations)
      await dropCheckpointsBefore(folder, end - (end % every))
      request.onProgress?.({ ...progressOf(request, end, losses), validation: validations.at(-1) })
    }
    stopped ||= signal?.aborted === true && end < steps
    if (end === steps) break
  }
  return { steps: done, losses, validations, seconds: seconds((performance.now() - began) / 1000), stopped }
}

const progressOf = ({ steps }: FitRequest, step: number, losses: number[]): TrainProgress => ({
  step,
  steps,
  loss: losses.at(-1) ?? Number.NaN,
  secondsLeft: seconds(0),
})

function trainTo(
  end: number,
  request: FitRequest,
  base: Tensors | undefined,
  newest: Validation | undefined,
) {
  const { spec, weights, data, steps, every, seed, folder, out } = request
  const { threads, gentle, engine, microBatch, signal, onProgress } = request
  return train({
    ...{ spec, weights, data, steps: end, seed, out, checkpoints: { folder, every } },
    ...(threads === undefined ? {} : { threads }),
    ...(gentle === undefined ? {} : { gentle }),
    ...(engine === undefined ? {} : { engine }),
    ...(base === undefined ? {} : { base }),
    ...(microBatch === undefined ? {} : { microBatch }),
    ...(signal ? { signal } : {}),
    onProgress: at => {
      // What is left of this part says how long a step takes; at its very end it says nothing.
      const left = end > at.step ? (at.secondsLeft / (end - at.step)) * (steps - at.step) : 0
      onProgress?.({ ...at, steps, secondsLeft: seconds(left), validation: newest })
    },
  })
}

async function validate(
  { spec, out, validation: path, threads }: FitRequest,
  base: Tensors | undefined,
  step: number,
): Promise<Validation> {
  const engine = await evaluator(spec, { threads, base })
  try {
    const data = await engine.load(path)
    const count = Math.min(data.rows, MOST_ROWS)
    const rows = Array.from({ length: count }, (_, i) => Math.floor((i * data.rows) / count))
    const { loss, accuracy } = await engine.losses(await readWeights(spec, out), data, rows)
    return {
      step,
      loss: Number.isFinite(loss) ? loss : null,
      ...(accuracy === undefined ? {} : { accuracy }),
    }
  } finally {
    await engine.close()
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
