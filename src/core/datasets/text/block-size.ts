import { UserError } from '../../../shared/errors.ts'
import type { PrepareOptions } from '../types.ts'
import type { Part } from './parts.ts'

/** nanoGPT's for its larger configuration. */
const LARGEST = 256
const SMALLEST = 8
/** Fewer rows make a poor shard, or a poor test. */
const ENOUGH_ROWS = { training: 32, holdout: 8 }
/** Each shard must have two (`planSplit`), the test one. */
const FEWEST_ROWS = { training: 2, holdout: 1 }

export interface BlockSize {
  block: number
  /** Rows of this size. */
  training: number
  holdout: number
}

/**
 * The block that was asked for, else the largest that leaves enough rows for each shard and the test.
 * @throws UserError `dataset/text-too-short`, `dataset/block`
 */
export function chooseBlock(
  { text, shards, path }: PrepareOptions,
  rowsOf: (part: Part) => (block: number) => number,
): BlockSize {
  const wanted = text?.block
  if (wanted !== undefined && !(Number.isInteger(wanted) && wanted >= 1 && wanted <= 65_536)) {
    throw new UserError('dataset/block', {
      message: `A block of ${wanted} tokens is not possible.`,
      fix: 'Give a whole number from 1 to 65,536, e.g. 256.',
    })
  }
  const sized = (block: number): BlockSize => ({
    block,
    training: rowsOf('training')(block),
    holdout: rowsOf('holdout')(block),
  })
  const has = ({ training, holdout }: BlockSize, rows: typeof FEWEST_ROWS) =>
    training >= shards * rows.training && holdout >= rows.holdout
  const largest = (rows: typeof FEWEST_ROWS, most: number) => {
    for (let block = most; block >= 1; block = Math.floor(block / 2)) {
      const size = sized(block)
      if (has(size, rows)) return size
    }
    return undefined
  }
  const most = Math.min(LARGEST, text?.longest ?? LARGEST)
  const found = wanted === undefined ? usual(largest, most) : sized(wanted)
  if (found && has(found, FEWEST_ROWS)) return found
  return tooShort(path, shards, found ?? sized(SMALLEST), largest(FEWEST_ROWS, wanted ?? SMALLEST))
}

function usual(
  largest: (rows: typeof FEWEST_ROWS, most: number) => BlockSize | undefined,
  most: number,
): BlockSize | undefined {
  const smallest = Math.min(SMALLEST, most)
  const good = largest(ENOUGH_ROWS, most)
  if (good && good.block >= smallest) return good
  const poor = largest(FEWEST_ROWS, most)
  return poor && poor.block >= smallest ? poor : undefined
}

function tooShort(
  where: string,
  shards: number,
  { block, training, holdout }: BlockSize,
  possible?: BlockSize,
): never {
  const smaller = possible
    ? ` Or ask for blocks of at most ${possible.block} tokens (--block ${possible.block}).`
    : ''
  throw new UserError('dataset/text-too-short', {
    message: `The text is too short: it gives ${training} blocks of ${block} + 1 tokens to train on and ${holdout} to test with; ${shards * FEWEST_ROWS.training} and ${FEWEST_ROWS.holdout} are needed.`,
    fix: `Use a longer text${shards > 1 ? ', or fewer providers' : ''}.${smaller}`,
    where,
  })
}
