import { UserError } from '../../shared/errors.ts'
import { randomFrom } from './random.ts'

/** Bucket 0 is the holdout, bucket 1…n the shards. `quotas[stratum][bucket]` rows go there. */
export type Quotas = number[][]

const MOST_HOLDOUT = 10_000
const FEWEST_ROWS_PER_SHARD = 2

/**
 * How many rows of each stratum (a class; for regression a tenth of the target's range) go where. The holdout takes
 * the same part of every stratum; shards differ by one row at most.
 * @param strata  rows in each stratum
 * @param holdout  fraction; 0 when a separate test set is the holdout
 * @throws UserError `dataset/too-few-rows`
 */
export function planSplit(
  strata: readonly number[],
  shards: number,
  holdout: number | undefined,
  seed: number,
  skew?: { classesPerShard: number },
): Quotas {
  const total = sum(strata)
  const kept = holdoutRows(total, holdout)
  const held = proportional(strata, kept)
  const training = strata.map((n, i) => n - held[i]!)
  const left = sum(training)
  if (left < shards * FEWEST_ROWS_PER_SHARD) {
    throw new UserError('dataset/too-few-rows', {
      message: `${total} usable rows are too few: ${kept} are kept back for the final test, and ${left} cannot be divided into ${shards} shards of at least ${FEWEST_ROWS_PER_SHARD} rows.`,
      fix: `Use a dataset with more rows, or at most ${Math.max(1, Math.floor(left / FEWEST_ROWS_PER_SHARD))} providers.`,
    })
  }
  const dealt = skew ? dealPieces(training, shards, skew.classesPerShard, seed) : dealEvenly(training, shards)
  return held.map((n, i) => [n, ...dealt[i]!])
}

function holdoutRows(total: number, holdout: number | undefined): number {
  if (holdout === undefined) return Math.min(Math.round(total * 0.15), MOST_HOLDOUT)
  if (!(holdout >= 0 && holdout < 1)) {
    throw new UserError('dataset/holdout', {
      message: `A holdout of ${holdout} is not a fraction of the rows.`,
      fix: 'Give a number from 0 up to, but not including, 1, e.g. 0.15.',
    })
  }
  return Math.round(total * holdout)
}

/** `wanted` rows taken from the strata by their sizes (largest remainder), never the last row of one. */
function proportional(strata: readonly number[], wanted: number): number[] {
  const total = sum(strata)
  const exact = strata.map(n => (total === 0 ? 0 : (n * wanted) / total))
  const taken = exact.map((n, i) => Math.min(Math.floor(n), Math.max(0, strata[i]! - 1)))
  const byRemainder = exact.map((n, i) => [n - Math.floor(n), i] as const).sort((a, b) => b[0] - a[0])
  let missing = wanted - sum(taken)
  for (const [, i] of byRemainder) {
    if (missing <= 0) break
    if (taken[i]! + 1 >= strata[i]!) continue
    taken[i]!++
    missing--
  }
  return taken
}

/** Deals the strata's rows, laid end to end, like cards. */
function dealEvenly(training: readonly number[], shards: number): number[][] {
  let start = 0
  return training.map(n => {
    const first = start
    start += n
    return Array.from({ length: shards }, (_, s) => dealtTo(s, first + n, shards) - dealtTo(s, first, shards))
  })
}

/** How many of the cards 0…end−1 player `s` has been dealt. */
const dealtTo = (s: number, end: number, shards: number): number =>
  Math.floor(Math.max(0, end - s + shards - 1) / shards)

/** McMahan 2017: rows sorted by class, cut into equal pieces, `perShard` random pieces for each shard. */
function dealPieces(training: readonly number[], shards: number, perShard: number, seed: number): number[][] {
  const pieces = shards * perShard
  const total = sum(training)
  const owner = Array.from({ length: pieces }, (_, p) => p % shards)
  const random = randomFrom(seed)
  for (let i = pieces - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1))
    ;[owner[i], owner[j]] = [owner[j]!, owner[i]!]
  }
  const edge = (p: number) => Math.floor((p * total) / pieces)
  let start = 0
  return training.map(n => {
    const row = new Array<number>(shards).fill(0)
    const end = start + n
    for (let p = 0; p < pieces; p++) {
      const overlap = Math.min(end, edge(p + 1)) - Math.max(start, edge(p))
      if (overlap > 0) row[owner[p]!]! += overlap
    }
    start = end
    return row
  })
}

/** A row without an answer: in no stratum, in no bucket. */
export const NONE = -1

/**
 * Assigns rows one after another (selection sampling, Knuth's algorithm S, over several buckets): every arrangement
 * that keeps the quotas is equally likely, and nothing but the quotas is held in memory.
 * @returns for the strata of the next rows, their buckets
 */
export function assigner(quotas: Quotas, seed: number): (strata: Int32Array) => Int32Array {
  const left = quotas.map(row => Float64Array.from(row))
  const remaining = Float64Array.from(left, row => row.reduce((a, b) => a + b, 0))
  const random = randomFrom(seed + 1)
  return strata => {
    const buckets = new Int32Array(new SharedArrayBuffer(strata.byteLength)) // threads encode by them
    for (let i = 0; i < strata.length; i++) {
      const stratum = strata[i]!
      buckets[i] = stratum === NONE ? NONE : draw(left[stratum]!, random() * remaining[stratum]!--)
    }
    return buckets
  }
}

function draw(row: Float64Array, point: number): number {
  let bucket = 0
  let end = 0
  // Every bucket is looked at: where to stop is random, and a processor foresees it badly.
  for (let i = 0; i < row.length - 1; i++) {
    end += row[i]!
    bucket += +(point >= end)
  }
  row[bucket]!--
  return bucket
}

/** Rows in each bucket. */
export const bucketSizes = (quotas: Quotas): number[] =>
  (quotas[0] ?? []).map((_, bucket) => sum(quotas.map(row => row[bucket]!)))

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
