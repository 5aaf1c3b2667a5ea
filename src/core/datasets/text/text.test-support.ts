import { readTokenizer, type Tokenizer } from '../../tokenizers/index.ts'
import { readSafetensors } from '../../training/index.ts'
import type { PreparedText } from '../index.ts'

export interface Rows {
  dtype: string
  tokens: number[][]
  mask: number[][] | undefined
}

export async function readRowsOf(path: string): Promise<Rows> {
  const tensors = await readSafetensors(path)
  const tokens = tensors.get('tokens')
  if (!tokens) throw new Error('a shard has tokens')
  const mask = tensors.get('mask')
  const rows = ({ shape: [count = 0, width = 0], data }: typeof tokens) =>
    Array.from({ length: count }, (_, i) => Array.from(data.subarray(i * width, (i + 1) * width), Number))
  return { dtype: tokens.dtype, tokens: rows(tokens), mask: mask && rows(mask) }
}

export interface Opened {
  tokenizer: Tokenizer
  holdout: Rows
  shards: Rows[]
}

export const opened = async ({ tokenizer, holdout, shards }: PreparedText): Promise<Opened> => ({
  tokenizer: await readTokenizer(tokenizer),
  holdout: await readRowsOf(holdout),
  shards: await Promise.all(shards.map(({ path }) => readRowsOf(path))),
})

/** Rows that overlap by one token, put together again. */
export function stream(rows: number[][]): number[] {
  const [first = []] = rows
  return [first[0]!, ...rows.flatMap(row => row.slice(1))]
}

/** Rows in the order of a stream that they were cut from, each used once. */
export function inOrder(rows: number[][], whole: ArrayLike<number>, block: number): number[][] {
  const left = new Map<string, number>()
  for (const row of rows) left.set(row.join(), (left.get(row.join()) ?? 0) + 1)
  const found: number[][] = []
  for (let at = 0; at + block < whole.length; at += block) {
    const row = Array.from({ length: block + 1 }, (_, i) => whole[at + i]!)
    const count = left.get(row.join()) ?? 0
    if (count === 0) throw new Error(`no shard has the block at ${at}`)
    left.set(row.join(), count - 1)
    found.push(row)
  }
  return found
}
