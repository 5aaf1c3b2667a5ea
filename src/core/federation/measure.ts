import { UserError } from '../../shared/errors.ts'
import {
  type Evaluator,
  evaluator,
  readHeader,
  readWeights,
  type Tensors,
  type TrainingSpec,
} from '../training/index.ts'
import { compare } from './compare.ts'
import { applied } from './difference.ts'
import type { Figures, Gain } from './figures.ts'
import { gainOf, lossesOf, sampleGroups } from './gains.ts'
import { mismatch } from './update-file.ts'

export interface Measurement {
  spec: TrainingSpec
  /** θ that the round began with, safetensors f32. */
  weights: string
  /** What the provider sent. */
  update: string
  /** The shard that was assigned to it, and one of another provider. */
  shard: string
  other?: string
  /** Rows that no provider has. */
  holdout: string
  /** Updates to take the cosine with: others of the round. */
  peers: readonly { id: string; path: string }[]
  /** Steps awarded. */
  steps: number
  /** Of the samples: unknown to the provider before it delivers, the same for all updates of a round. */
  seed: number
  /** Of the sketch: unknown to all providers, the same for all updates of a job. */
  sketchSeed: number
  /** Rows looked at in each file, at most. */
  rows: number
  threads?: number
}

/**
 * Every figure that the verdict on an update may need, from the customer's own data. A hostile file gives figures that
 * say so; only the customer's own files can make it fail.
 */
export async function measure(request: Measurement): Promise<Figures> {
  const { spec, update, steps } = request
  const blank = {
    steps,
    finite: false,
    norm: null,
    own: null,
    other: null,
    holdout: null,
    cosines: {},
    sketch: null,
  }
  const problem = await problemOf(spec, update)
  if (problem !== null) return { ...blank, problem }
  const comparison = await compare(spec, update, await comparable(spec, request.peers), request.sketchSeed)
  if (!comparison.finite) return { ...blank, problem: null }
  return { steps, problem: null, ...comparison, ...(await gains(request)) }
}

async function gains(request: Measurement): Promise<Pick<Figures, 'own' | 'other' | 'holdout'>> {
  const { spec, weights, update, shard, other, holdout, threads } = request
  const theta = await readWeights(spec, weights)
  const moved = await applied(theta, update)
  const engine = await evaluator(spec, threads === undefined ? {} : { threads })
  // One dataset after another: only one is in memory.
  const gainOn = (path: string) => measuredGain(engine, theta, moved, path, request)
  try {
    return {
      own: await gainOn(shard),
      other: other === undefined ? null : await gainOn(other),
      holdout: await gainOn(holdout),
    }
  } finally {
    await engine.close()
  }
}

async function measuredGain(
  engine: Evaluator,
  theta: Tensors,
  moved: Tensors,
  path: string,
  { rows, seed }: Measurement,
): Promise<Gain> {
  const data = await engine.load(path)
  const sample = sampleGroups(data.rows, rows, seed)
  return gainOf(await lossesOf(engine, theta, data, sample), await lossesOf(engine, moved, data, sample))
}

/** Why a file is no update of this model, in plain words; null when it is one. */
async function problemOf(spec: TrainingSpec, path: string): Promise<string | null> {
  try {
    return mismatch(spec, await readHeader(path))
  } catch (error) {
    if (error instanceof UserError && error.code === 'training/safetensors') return error.message
    throw error
  }
}

/** A peer that is no update itself has no cosine. */
async function comparable(spec: TrainingSpec, peers: Measurement['peers']): Promise<Measurement['peers']> {
  const sound = new Set(
    await soundUpdates(
      spec,
      peers.map(p => p.path),
    ),
  )
  return peers.filter(p => sound.has(p.path))
}

/** Those of the files that are updates of this model. */
export async function soundUpdates(spec: TrainingSpec, paths: readonly string[]): Promise<string[]> {
  const sound = await Promise.all(paths.map(async path => (await problemOf(spec, path)) === null))
  return paths.filter((_, i) => sound[i])
}
