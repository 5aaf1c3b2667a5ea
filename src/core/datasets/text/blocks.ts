import type { TokenArray, TokenSpool } from './token-spool.ts'

/** Rows read together. */
const TOGETHER = 256

/** Rows of T + 1 tokens; `mask` has T for each: whether the target `t + 1` counts. */
export interface Blocks {
  count: number
  tokens: TokenArray
  mask: Uint8Array | undefined
}

/**
 * Packs tokens into blocks: block i is the tokens i·T … i·T + T, so that each token but the very first is a target once.
 * What is left at the end, fewer than T targets, is left out; so are blocks in which nothing is learned.
 */
export function* blocksOf(spool: TokenSpool, block: number): Generator<Blocks> {
  const all = blockCount(spool.length, block)
  for (let first = 0; first < all; first += TOGETHER) {
    const count = Math.min(TOGETHER, all - first)
    const { tokens, learned } = spool.read(first * block, count * block + 1)
    yield learned ? learnedBlocks(tokens, learned, count, block) : everyBlock(tokens, count, block)
  }
}

export const blockCount = (tokens: number, block: number): number =>
  Math.max(0, Math.floor((tokens - 1) / block))

/** How many blocks `blocksOf` gives. */
export function usedBlocks(spool: TokenSpool, block: number, masked: boolean): number {
  if (!masked) return blockCount(spool.length, block)
  let used = 0
  for (const { count } of blocksOf(spool, block)) used += count
  return used
}

function everyBlock(stream: TokenArray, count: number, block: number): Blocks {
  const tokens = arrayLike(stream, count * (block + 1))
  for (let i = 0; i < count; i++) tokens.set(stream.subarray(i * block, (i + 1) * block + 1), i * (block + 1))
  return { count, tokens, mask: undefined }
}

function learnedBlocks(stream: TokenArray, learned: Uint8Array, count: number, block: number): Blocks {
  const tokens = arrayLike(stream, count * (block + 1))
  const mask = new Uint8Array(count * block)
  let used = 0
  for (let i = 0; i < count; i++) {
    const targets = learned.subarray(i * block + 1, (i + 1) * block + 1)
    if (!targets.includes(1)) continue
    tokens.set(stream.subarray(i * block, (i + 1) * block + 1), used * (block + 1))
    mask.set(targets, used * block)
    used++
  }
  return { count: used, tokens: tokens.subarray(0, used * (block + 1)), mask: mask.subarray(0, used * block) }
}

const arrayLike = (array: TokenArray, length: number): TokenArray =>
  array instanceof Uint16Array ? new Uint16Array(length) : new Int32Array(length)
