import { seeded } from './random.ts'

/**
 * Which rows each step trains on. Every epoch goes once through all rows in an order of its own, drawn from the seed;
 * batches follow one another across the end of an epoch. Any step can be had without those before it.
 */
export class Batches {
  readonly rows: number
  readonly batch: number
  readonly seed: number
  private readonly orders = new Map<number, Int32Array>()

  constructor(rows: number, batch: number, seed: number) {
    this.rows = rows
    this.batch = batch
    this.seed = seed
  }

  /** Row numbers of the steps `from` to `from + count − 1`, `[count, batch]`. */
  of(from: number, count: number): Int32Array {
    const start = from * this.batch
    let epoch = Math.floor(start / this.rows)
    let at = start % this.rows
    let order = this.order(epoch)
    return Int32Array.from({ length: count * this.batch }, () => {
      if (at === this.rows) {
        order = this.order(++epoch)
        at = 0
      }
      return order[at++] ?? 0
    })
  }

  private order(epoch: number): Int32Array {
    const known = this.orders.get(epoch)
    if (known) return known
    if (this.orders.size > 1) this.orders.clear()
    const order = permutation(this.rows, this.seed, epoch)
    this.orders.set(epoch, order)
    return order
  }
}

/** Fisher and Yates' shuffle of 0 … n − 1. */
export function permutation(n: number, ...seeds: number[]): Int32Array {
  const random = seeded(...seeds)
  const order = Int32Array.from({ length: n }, (_, i) => i)
  for (let i = n - 1; i > 0; i--) {
    const j = random.below(i + 1)
    const swapped = order[i] ?? 0
    order[i] = order[j] ?? 0
    order[j] = swapped
  }
  return order
}
