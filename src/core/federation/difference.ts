import {
  elements,
  f32,
  fromHalf,
  parameters,
  type SafetensorsFile,
  type TensorSource,
  type Tensors,
  type TrainingSpec,
  toHalf,
  type WrittenFile,
  writeSafetensors,
} from '../training/index.ts'
import { finiteOrNull } from './compare.ts'
import { type Block, BlockReader, blocksOf, withFiles } from './update-file.ts'

/** How an update is stored. `f16` halves the file; a tensor that it would distort is stored as f32 all the same. */
export type UpdateType = 'f16' | 'f32'

/**
 * Rounding to half precision moves a tensor by at most 2⁻¹¹ of its norm. More means that its values left the range of
 * a half (6e-8 … 65504), and too much of them would be lost.
 */
const LOSSLESS_ENOUGH = 2 ** -10
const METADATA = { format: 'gradstr-update' }

/**
 * Writes the update θ' − θ, block by block: two blocks are in memory, never a whole model.
 * @returns the file, and the update's Euclidean norm (null when it is not finite)
 */
export async function writeUpdate(
  spec: TrainingSpec,
  paths: { from: string; to: string; out: string },
  type: UpdateType = 'f16',
): Promise<WrittenFile & { norm: number | null }> {
  return withFiles([paths.from, paths.to], async ([theta, trained]) => {
    const difference = differenceOf(theta!, trained!)
    const entries: TensorSource[] = []
    let squares = 0
    for (const { name, shape } of parameters(spec)) {
      const blocks = [...blocksOf(name, shape)]
      const size = await sizeOf(difference, blocks)
      squares += size.squares
      const half = type === 'f16' && Math.sqrt(size.lost) <= LOSSLESS_ENOUGH * Math.sqrt(size.squares)
      const data = differences(difference, blocks, half)
      entries.push({ name, shape, dtype: half ? 'F16' : 'F32', data })
    }
    const file = await writeSafetensors(paths.out, entries, METADATA)
    return { ...file, norm: finiteOrNull(Math.sqrt(squares)) }
  })
}

/**
 * The update of a training that diverged: not a number anywhere. Delivering it lets the customer find, by its own run,
 * that the plan is at fault, and pay for the work.
 */
export async function writeDivergedUpdate(
  spec: TrainingSpec,
  out: string,
): Promise<WrittenFile & { norm: null }> {
  const entries = parameters(spec).map(({ name, shape }): TensorSource => {
    const data = new Uint16Array(elements(shape)).fill(0x7e00)
    return { name, shape, dtype: 'F16', data }
  })
  return { ...(await writeSafetensors(out, entries, METADATA)), norm: null }
}

/** θ + u, in memory, for evaluation. `theta` stays as it is. */
export async function applied(theta: Tensors, update: string): Promise<Tensors> {
  const sum: Tensors = new Map()
  await withFiles([update], async ([file]) => {
    const reader = new BlockReader()
    for (const [name, { shape, data }] of theta) {
      const result = Float32Array.from(data as Float32Array) // weights are F32: `mismatch` is checked before
      let at = 0
      for (const block of blocksOf(name, shape))
        for (const x of await reader.read(file!, block)) result[at++]! += x
      sum.set(name, f32(shape, result))
    }
  })
  return sum
}

type Difference = (block: Block) => Promise<Float32Array>

/** θ' − θ of one block after another; what it gives is valid until the next call. */
function differenceOf(theta: SafetensorsFile, trained: SafetensorsFile): Difference {
  const [first, second] = [new BlockReader(), new BlockReader()]
  return async block => {
    const [before, after] = [await first.read(theta, block), await second.read(trained, block)]
    for (let i = 0; i < after.length; i++) after[i]! -= before[i]!
    return after
  }
}

async function* differences(difference: Difference, blocks: Block[], half: boolean) {
  for (const block of blocks) {
    const values = await difference(block)
    yield half ? toHalf(values) : values
  }
}

/** Sums of squares: of the difference, and of what half precision would take from it. */
async function sizeOf(difference: Difference, blocks: Block[]) {
  let [squares, lost] = [0, 0]
  for (const block of blocks) {
    const values = await difference(block)
    const rounded = fromHalf(toHalf(values))
    for (let i = 0; i < values.length; i++) {
      const x = values[i]!
      squares += x * x
      lost += (x - rounded[i]!) ** 2
    }
  }
  return { squares, lost }
}
