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
import { type Block, BlockReader, blocksOf, mismatch, withFiles } from './update-file.ts'

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
    const [reader, mean] = [new BlockReader(), new WeightedMean(updates, parts)]
    let squares = 0
    async function* values(blocks: Iterable<Block>) {
      for (const block of blocks) {
        const before = await reader.read(theta!, block)
        const after = strategy.step(before, await mean.of(block), block)
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
class WeightedMean {
  readonly #reader = new BlockReader()
  readonly #updates: readonly SafetensorsFile[]
  readonly #parts: readonly number[]
  #sum = new Float64Array(0)

  constructor(updates: readonly SafetensorsFile[], parts: readonly number[]) {
    this.#updates = updates
    this.#parts = parts
  }

  async of(block: Block): Promise<Float32Array> {
    let sum = this.#sum.subarray(0, 0)
    for (const [k, file] of this.#updates.entries()) {
      const values = await this.#reader.read(file, block)
      if (k === 0) sum = this.#zeros(values.length)
      for (let i = 0; i < values.length; i++) sum[i]! += this.#parts[k]! * values[i]!
    }
    return Float32Array.from(sum)
  }

  #zeros(length: number): Float64Array<ArrayBuffer> {
    if (this.#sum.length < length) this.#sum = new Float64Array(length)
    return this.#sum.subarray(0, length).fill(0)
  }
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
