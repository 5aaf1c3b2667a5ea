import { setImmediate } from 'node:timers/promises'
import { pushSorted } from '../grouped.ts'
import { inOrder } from '../in-order.ts'
import type { ShardWriter } from '../shards.ts'
import type { StoredBlock } from '../table/block.ts'
import { bytesFor } from './encode-blocks.ts'
import type { Hands } from './hands.ts'
import type { Plan } from './plan.ts'

/** Encoded bytes of a batch of blocks: large enough that a few shards' parts of it are worth a write each. */
const BATCH = 4 * 1024 * 1024
/** Encoded bytes under way, unless a single block has more. */
const MOST = 64 * 1024 * 1024

interface Feeding {
  blocks: readonly StoredBlock[]
  plan: Plan
  writers: readonly ShardWriter[]
  hands: Hands
}

/** Encodes the rows and gives them to the writers of their buckets, in the order of the table. */
export async function feed({ blocks, plan, writers, hands }: Feeding, signal?: AbortSignal): Promise<void> {
  const { columns, buckets } = plan
  const batches = batchesOf(blocks, rows => bytesFor(rows, columns))
  const size = Math.max(0, ...batches.map(({ size }) => size))
  const free: SharedArrayBuffer[] = []
  const encode = async ({ from, to }: Batch) => {
    const memory = free.pop() ?? new SharedArrayBuffer(size)
    const request = { columns, blocks: blocks.slice(from, to), buckets: buckets.slice(from, to) }
    return { memory, rows: await hands.encode({ ...request, count: writers.length, memory }) }
  }
  const ahead = Math.max(1, Math.min(hands.width, Math.floor(MOST / Math.max(1, size))))
  for await (const { result } of inOrder(batches, encode, signal, ahead)) {
    const { x, y, start } = result.rows
    const tensors = [
      { values: x, width: columns.width },
      { values: y, width: 1 },
    ]
    await pushSorted(tensors, start, writers)
    free.push(result.memory)
    await setImmediate()
  }
}

interface Batch {
  from: number
  to: number
  /** Bytes that its rows take at most. */
  size: number
}

/** Blocks one after another, of about BATCH bytes. */
function batchesOf(blocks: readonly StoredBlock[], bytes: (rows: number) => number): Batch[] {
  const batches: Batch[] = []
  for (const [i, { rows }] of blocks.entries()) {
    const last = batches.at(-1)
    if (last && last.size + bytes(rows) <= BATCH)
      Object.assign(last, { to: i + 1, size: last.size + bytes(rows) })
    else batches.push({ from: i, to: i + 1, size: bytes(rows) })
  }
  return batches
}
