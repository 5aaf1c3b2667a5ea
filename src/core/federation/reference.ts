import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../shared/errors.ts'
import {
  type Data,
  type Evaluator,
  evaluator,
  readWeights,
  type Tensors,
  type TrainingSpec,
  train,
} from '../training/index.ts'
import { compare } from './compare.ts'
import { writeUpdate } from './difference.ts'
import { noiseOf } from './expected.ts'
import type { Reference } from './figures.ts'
import { gainOf, lossesOf, type SampleLosses, sampleGroups } from './gains.ts'

/** Points of the curve: at ρ = ½, one for each tenth of the awarded steps. */
const POINTS = 5

export interface ReferenceRun {
  spec: TrainingSpec
  weights: string
  /** The shard of the provider in question. */
  shard: string
  holdout?: string
  /** Steps awarded, and the seed it was given. */
  steps: number
  seed: number
  rho: number
  /** The provider's update, checked to fit the model. */
  update?: string
  /** For checkpoints and weights; a run that was interrupted goes on from there. Removed at the end. */
  folder: string
  /** Seed and size of the sample, as in `Measurement`. */
  sample: number
  rows: number
  threads?: number
  signal?: AbortSignal
  onProgress?: (progress: { step: number; steps: number; loss: number; secondsLeft: number }) => void
}

/**
 * The customer's own run on a provider's shard: the first ρ of the awarded steps from the same θ with the same seed,
 * measured at evenly spaced points on the way.
 */
export async function runReference(run: ReferenceRun): Promise<Reference> {
  await mkdir(run.folder, { recursive: true })
  const steps = Math.ceil(run.rho * run.steps)
  const every = Math.ceil(steps / POINTS)
  const points = Array.from({ length: Math.ceil(steps / every) }, (_, i) => Math.min(steps, (i + 1) * every))
  const engine = await evaluator(run.spec, run.threads === undefined ? {} : { threads: run.threads })
  try {
    const probe = await openProbe(engine, run)
    const curve: Reference['curve'] = []
    let reached = true
    for (const point of points) {
      reached = await trainTo(run, point, steps, every)
      if (!reached) break
      curve.push({ steps: point, gain: await probe.own(await readWeights(run.spec, trained(run))) })
    }
    return { steps, ...(await summary(run, curve, reached, probe)) }
  } finally {
    await engine.close()
    if (!run.signal?.aborted) await rm(run.folder, { recursive: true, force: true })
  }
}

const trained = (run: ReferenceRun): string => join(run.folder, 'trained.safetensors')

/** Goes on to `point` from the checkpoint before it. @returns false when the training diverged on the way */
async function trainTo(run: ReferenceRun, point: number, steps: number, every: number): Promise<boolean> {
  const { spec, weights, shard, seed, folder, threads, signal, onProgress } = run
  const began = performance.now()
  let first: number | undefined
  try {
    await train({
      spec,
      weights,
      data: shard,
      steps: point,
      seed,
      out: trained(run),
      checkpoints: { folder: join(folder, 'checkpoints'), every },
      onProgress: ({ step, loss }) => {
        first ??= step - 1
        const perStep = (performance.now() - began) / 1000 / (step - first)
        onProgress?.({ step, steps, loss, secondsLeft: perStep * (steps - step) })
      },
      ...(threads !== undefined && { threads }),
      ...(signal && { signal }),
    })
  } catch (error) {
    if (error instanceof UserError && error.code === 'training/diverged') return false
    throw error
  }
  signal?.throwIfAborted()
  return true
}

async function summary(
  run: ReferenceRun,
  curve: Reference['curve'],
  reached: boolean,
  probe: Probe,
): Promise<Omit<Reference, 'steps'>> {
  const last = curve.at(-1)?.gain ?? null
  const diverged = !reached || last === null || last.gain === null || last.gain < -noiseOf(last)
  if (!reached) return { curve, norm: null, holdout: null, cosine: null, diverged }
  const { spec, weights, update } = run
  const own = join(run.folder, 'update.safetensors')
  await writeUpdate(spec, { from: weights, to: trained(run), out: own })
  const peers = update === undefined ? [] : [{ id: 'provider', path: update }]
  const { norm, cosines } = await compare(spec, own, peers)
  const holdout = await probe.holdout(await readWeights(spec, trained(run)))
  return { curve, norm, holdout, cosine: cosines.provider ?? null, diverged }
}

interface Probe {
  own(weights: Tensors): Promise<Reference['curve'][number]['gain']>
  holdout(weights: Tensors): Promise<Reference['holdout']>
}

/** Reads the shard's sample and θ's losses on it once, for all points of the curve. */
async function openProbe(
  engine: Evaluator,
  { spec, weights, shard, holdout, rows, sample }: ReferenceRun,
): Promise<Probe> {
  const theta = await readWeights(spec, weights)
  const probe = async (path: string) => {
    const data: Data = await engine.load(path)
    const groups = sampleGroups(data.rows, rows, sample)
    const before: SampleLosses = await lossesOf(engine, theta, data, groups)
    return async (moved: Tensors) => gainOf(before, await lossesOf(engine, moved, data, groups))
  }
  const own = await probe(shard)
  return { own, holdout: async moved => (holdout === undefined ? null : (await probe(holdout))(moved)) }
}
