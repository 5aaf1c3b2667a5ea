import { UserError } from '../../shared/errors.ts'
import {
  parameters,
  type SafetensorsFile,
  type TensorSource,
  type TrainingSpec,
  type WrittenFile,
  writeSafetensors,
} from '../training/index.ts'
import type { Contribution, Strategy } from './strategies/strategy.ts'
import { type Block, blocksOf, mismatch, readBlock, withFiles } from './update-file.ts'

export interface Aggregation {
  /** θ, safetensors f32. */
  weights: string
  contributions: readonly Contribution[]
  /** Where θ of the next round goes. */
  out: string
}

/**
 * The next global weights. Reads block by block and one update after another: four blocks are in memory, however many
 * updates and however large the model.
 * @returns the file, and the norm of the step it took
 * @throws UserError `federation/shapes`, `federation/not-finite`; neither leaves a file
 */
export async function aggregate(
  strategy: Strategy,
  spec: TrainingSpec,
  { weights, contributions, out }: Aggregation,
): Promise<WrittenFile & { norm: number }> {
  if (contributions.length === 0) throw new RangeError('nothing to aggregate')
  return withFiles([weights, ...contributions.map(c => c.path)], async ([theta, ...updates]) => {
    for (const file of [theta!, ...updates]) {
      const problem = mismatch(spec, file)
      if (problem) throw wrongShapes(file.path, problem)
    }
    const parts = strategy.weigh(contributions)
    let squares = 0
    async function* values(blocks: Iterable<Block>) {
      for (const block of blocks) {
        const before = await readBlock(theta!, block)
        const after = strategy.step(before, await weightedMean(updates, parts, block), block)
        const moved = after.reduce((sum, x, i) => sum + (x - before[i]!) ** 2, 0)
        if (!Number.isFinite(moved)) throw notFinite(block.name)
        squares += moved
        yield after as Float32Array<ArrayBuffer> // a strategy makes plain arrays, no shared memory
      }
    }
    const entries = parameters(spec).map(
      ({ name, shape }): TensorSource => ({ name, shape, dtype: 'F32', data: values(blocksOf(name, shape)) }),
    )
    const file = await writeSafetensors(out, entries, { format: 'pt' })
    return { ...file, norm: Math.sqrt(squares) }
  })
}

/** Summed in double precision, so that thirty small updates lose nothing beside a large one. */
async function weightedMean(
  updates: SafetensorsFile[],
  parts: number[],
  block: Block,
): Promise<Float32Array> {
  let sum: Float64Array | undefined
  for (const [k, file] of updates.entries()) {
    const values = await readBlock(file, block)
    sum ??= new Float64Array(values.length)
    for (let i = 0; i < values.length; i++) sum[i]! += parts[k]! * values[i]!
  }
  return Float32Array.from(sum!)
}

const wrongShapes = (where: string, problem: string): UserError =>
  new UserError('federation/shapes', {
    message: `A file does not fit the model: ${problem}.`,
    fix: 'Leave this update out of the round.',
    where,
  })

const notFinite = (name: string): UserError =>
  new UserError('federation/not-finite', {
    message: `The mean of the updates is not a number any more (tensor "${name}").`,
    fix: 'Lower the learning rate, or leave out the update that is not finite.',
  })
