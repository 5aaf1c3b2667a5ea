import { mkdtempSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  elements,
  f32,
  initialWeights,
  type RowsSpec,
  readWeights,
  type Tensors,
  train,
  writeSafetensors,
} from '../training/index.ts'
import { aggregate } from './aggregate.ts'
import type { Case } from './case.ts'
import { applied, writeDivergedUpdate, writeUpdate } from './difference.ts'
import type { Figures, Reference } from './figures.ts'
import { measure } from './measure.ts'
import { besideOtherRounds } from './other-rounds.ts'
import { runReference } from './reference.ts'
import { FedAvg } from './strategies/fedavg.ts'

const CLASSES = 6
const INPUTS = 12
const ROWS = 1024

/** Deterministic normal numbers (mulberry32, Box and Muller): tests own their randomness. */
export function normals(seed: number): () => number {
  let state = seed
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
}

export interface World {
  spec: RowsSpec
  folder: string
  shards: string[]
  holdout: string
  steps: number
  remove(): void
}

/**
 * A small job with real data: each class is two overlapping clouds, so that the problem is neither linear nor noiseless.
 * @param labels  the classes in each shard; all of them when left out
 */
export async function world(
  options: { task?: RowsSpec['task']; labels?: number[][]; steps?: number; learningRate?: number } = {},
): Promise<World> {
  const { task = 'classification', labels, steps = 120, learningRate = 0.1 } = options
  const folder = mkdtempSync(join(tmpdir(), 'gradstr-round-'))
  const centre = normals(1)
  const centres = Array.from({ length: 2 * CLASSES }, () =>
    Array.from({ length: INPUTS }, () => 1.3 * centre()),
  )
  const write = async (name: string, seed: number, rows: number, classes: number[]) => {
    const noise = normals(seed)
    const clouds = Array.from(
      { length: rows },
      (_, i) => 2 * classes[i % classes.length]! + Number(noise() > 0),
    )
    const x = Float32Array.from(
      { length: rows * INPUTS },
      (_, i) => centres[clouds[Math.floor(i / INPUTS)]!]![i % INPUTS]! + noise(),
    )
    const y =
      task === 'classification'
        ? { dtype: 'I32' as const, shape: [rows], data: Int32Array.from(clouds, c => c >> 1) }
        : f32(
            [rows, 1],
            Float32Array.from(clouds, c => Math.sin(c) + 0.3 * noise()),
          )
    const path = join(folder, `${name}.safetensors`)
    await writeSafetensors(
      path,
      new Map([
        ['x', f32([rows, INPUTS], x)],
        ['y', y],
      ]),
    )
    return path
  }
  const everything = Array.from({ length: CLASSES }, (_, c) => c)
  const shards = []
  for (let k = 0; k < 3; k++) shards.push(await write(`shard-${k}`, 10 + k, ROWS, labels?.[k] ?? everything))
  return {
    spec: {
      recipe: 'mlp',
      model: { inputs: INPUTS, hidden: [32], outputs: task === 'classification' ? CLASSES : 1 },
      task,
      input: { dtype: 'f32', scale: 1, shift: 0 },
      batch: 32,
      optimizer: { name: 'sgd', learningRate, momentum: 0.9, weightDecay: 0 },
    },
    folder,
    shards,
    holdout: await write('holdout', 99, 1024, everything),
    steps,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** One round from a θ: what providers deliver, and what the customer measures of it. */
export class Round {
  readonly world: World
  readonly number: number
  readonly theta: string

  constructor(world: World, number: number, theta: string) {
    this.world = world
    this.number = number
    this.theta = theta
  }

  /** @param seed  of θ₀ */
  static async first(world: World, seed = 7): Promise<Round> {
    const theta = join(world.folder, 'theta-1.safetensors')
    await writeSafetensors(theta, initialWeights(world.spec, seed))
    return new Round(world, 1, theta)
  }

  file(name: string): string {
    return join(this.world.folder, `${this.number}-${name}.safetensors`)
  }

  seed(slot: number): number {
    return 100 * this.number + slot
  }

  /** What the provider of a slot makes of `steps` of its steps. */
  async work(slot: number, steps = this.world.steps, name = `work-${slot}`): Promise<string> {
    const { spec, shards } = this.world
    const trained = this.file(`${name}-trained`)
    await train({
      spec,
      weights: this.theta,
      data: shards[slot]!,
      steps,
      seed: this.seed(slot),
      out: trained,
      threads: 1,
    })
    await writeUpdate(spec, { from: this.theta, to: trained, out: this.file(name) })
    return this.file(name)
  }

  /** An update made from another one, number by number. */
  async forged(from: string, name: string, forge: (x: number, rms: number) => number): Promise<string> {
    const theta = await readWeights(this.world.spec, this.theta)
    const zero: Tensors = new Map(
      [...theta].map(([n, { shape }]) => [n, f32(shape, new Float32Array(elements(shape)))]),
    )
    const forged: Tensors = new Map()
    for (const [n, { shape, data }] of await applied(zero, from)) {
      const values = data as Float32Array // `applied` gives float32
      const rms = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length)
      forged.set(
        n,
        f32(
          shape,
          values.map(x => forge(x, rms)),
        ),
      )
    }
    await writeSafetensors(this.file(name), forged)
    return this.file(name)
  }

  /** What a provider sends whose training diverged; `slot` names the file. */
  async diverged(slot: number): Promise<string> {
    await writeDivergedUpdate(this.world.spec, this.file(`diverged-${slot}`))
    return this.file(`diverged-${slot}`)
  }

  async garbage(): Promise<string> {
    await writeFile(this.file('garbage'), 'not a tensor in sight')
    return this.file('garbage')
  }

  measure(slot: number, update: string, peers: { id: string; path: string }[] = []): Promise<Figures> {
    const { spec, shards, holdout, steps } = this.world
    const [shard, other] = [shards[slot]!, shards[(slot + 1) % shards.length]!]
    return measure({
      spec,
      weights: this.theta,
      update,
      shard,
      other,
      holdout,
      peers,
      steps,
      seed: this.number,
      sketchSeed: 1,
      rows: 1024,
      threads: 1,
    })
  }

  reference(slot: number, update: string, others: string[] = []): Promise<Reference> {
    const { spec, shards, holdout, steps } = this.world
    const folder = this.file(`reference-${slot}`)
    const run = {
      spec,
      weights: this.theta,
      shard: shards[slot]!,
      holdout,
      steps,
      seed: this.seed(slot),
      rho: 0.5,
    }
    return runReference({ ...run, update, others, folder, sample: this.number, rows: 1024, threads: 1 })
  }

  async next(updates: string[]): Promise<Round> {
    const out = join(this.world.folder, `theta-${this.number + 1}.safetensors`)
    const contributions = updates.map(path => ({ path, weight: 1 }))
    await aggregate(new FedAvg(), this.world.spec, { weights: this.theta, contributions, out })
    return new Round(this.world, this.number + 1, out)
  }
}

/** The updates of a round by slot, measured, as the cases that the customer judges. */
export async function casesOf(
  round: Round,
  updates: string[],
  before: readonly Figures[] = [],
): Promise<Case[]> {
  const figures: Figures[] = []
  for (const [slot, update] of updates.entries()) {
    const peers = updates.slice(0, slot).map((path, k) => ({ id: `p${k}`, path }))
    figures.push(besideOtherRounds(await round.measure(slot, update, peers), before))
  }
  return figures.map((own, slot) => ({
    id: `p${slot}`,
    figures: own,
    peers: figures.flatMap((f, k) => (k === slot ? [] : [{ id: `p${k}`, figures: f, earlier: k < slot }])),
    rho: 0.5,
  }))
}
