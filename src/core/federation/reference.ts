import { existsSync } from 'node:fs'
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
  writeSafetensors,
} from '../training/index.ts'
import { compare, projections } from './compare.ts'
import { writeUpdate } from './difference.ts'
import { noiseOf } from './expected.ts'
import type { Gain, Reference } from './figures.ts'
import { gainOf, lossesOf, type SampleLosses, sampleGroups } from './gains.ts'
import { soundUpdates } from './measure.ts'
import { median } from './quorum.ts'

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
  /** Steps of the job before the round. */
  first?: number
  rho: number
  /** The provider's update, checked to fit the model. */
  update: string
  /** Updates of other providers in the same round; what is no update is passed over. */
  others: readonly string[]
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
  try {
    const done = await trainThrough(run, points, every)
    const engine = await evaluator(run.spec, run.threads === undefined ? {} : { threads: run.threads })
    try {
      const probe = await openProbe(engine, run)
      const gains: { steps: number; gain: Gain }[] = []
      for (const point of done) {
        const { weights, update } = filesOf(run, point)
        await writeUpdate(run.spec, { from: run.weights, to: weights, out: update }, 'f32')
        gains.push({ steps: point, gain: await probe.own(await readWeights(run.spec, weights)) })
      }
      return { steps, ...(await summary(run, gains, done.length === points.length, probe)) }
    } finally {
      await engine.close()
    }
  } finally {
    if (!run.signal?.aborted) await rm(run.folder, { recursive: true, force: true })
  }
}

const filesOf = ({ folder }: ReferenceRun, steps: number) => ({
  weights: join(folder, `weights-${steps}.safetensors`),
  update: join(folder, `update-${steps}.safetensors`),
})

/**
 * One run through all points, which leaves the weights at each in its file.
 * @returns the points it came to: not all when the training diverged on the way
 */
async function trainThrough(run: ReferenceRun, points: readonly number[], every: number): Promise<number[]> {
  const { spec, weights, shard, seed, first, folder, threads, signal, onProgress } = run
  const steps = points.at(-1)!
  const keep = (step: number, at: Tensors) => writeSafetensors(filesOf(run, step).weights, at)
  try {
    await train({
      spec,
      weights,
      data: shard,
      steps,
      seed,
      out: filesOf(run, steps).weights,
      checkpoints: {
        folder: join(folder, 'checkpoints'),
        every,
        look: async (step, at) => void (step < steps && (await keep(step, at))),
      },
      ...(first !== undefined && { first }),
      ...(threads !== undefined && { threads }),
      ...(signal && { signal }),
      ...(onProgress && { onProgress }),
    })
  } catch (error) {
    if (!(error instanceof UserError && error.code === 'training/diverged')) throw error
  }
  signal?.throwIfAborted()
  return points.filter(point => existsSync(filesOf(run, point).weights))
}

async function summary(
  run: ReferenceRun,
  gains: { steps: number; gain: Gain }[],
  reached: boolean,
  probe: Probe,
): Promise<Omit<Reference, 'steps'>> {
  const last = gains.at(-1)
  const diverged = !reached || !last || exploded(last.gain)
  if (!last) return { curve: [], norm: null, holdout: null, along: null, others: null, keeps: null, diverged }
  const { weights, update } = filesOf(run, last.steps)
  const points = gains.map(p => filesOf(run, p.steps).update)
  const peers = await soundUpdates(run.spec, run.others)
  const [along = null, ...rest] = await projections(run.spec, update, [run.update, ...peers, ...points])
  const others = rest.slice(0, peers.length).filter(x => x !== null)
  const middle = points[(points.length >> 1) - 1]
  return {
    curve: gains.map((p, i) => ({ ...p, along: rest[peers.length + i] ?? null })),
    norm: (await compare(run.spec, update)).norm,
    holdout: await probe.holdout(await readWeights(run.spec, weights)),
    along,
    others: others.length > 0 ? median(others) : null,
    keeps: middle === undefined ? null : ((await projections(run.spec, middle, [update]))[0] ?? null),
    diverged,
  }
}

/** A loss that rises a little from a good θ is the noise of a large learning rate; one that doubles is not. */
const exploded = (gain: Gain): boolean =>
  gain.before === null || gain.after === null || gain.after > 2 * gain.before + noiseOf(gain)

interface Probe {
  own(weights: Tensors): Promise<Gain>
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
