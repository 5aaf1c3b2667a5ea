import { seeded } from './random.ts'

/**
 * Words of 32 bits for dropout's masks and for what becomes of pictures, the same on every engine: products and sums modulo
 * 2^32 and divisions rounded towards zero, which all of them have for int32. Here in TypeScript; in the graph in
 * `layers/noise.ts`.
 */

/** Multiplied by, then added to itself divided by: as splitmix32 does with shifts and exclusive or. */
const STEPS = [
  { factor: 0x21f0aaad, divisor: 2 ** 15 },
  { factor: 0x735a2d97, divisor: 2 ** 13 },
  { factor: 0x2c1b3c6d, divisor: 2 ** 16 },
] as const
/** Sums spread less than exclusive or: after one or two times rows are not independent yet, after three they are. */
export const ROUNDS = [...STEPS, ...STEPS, ...STEPS]
/** Apart of neighbouring places, and of neighbouring rows. */
export const STRIDES = { place: 0x1e3779b9, row: 0x45d9f3b5 } as const

export const mixed = (word: number): number =>
  ROUNDS.reduce((h, { factor, divisor }) => {
    const product = Math.imul(h, factor)
    return (product + Math.trunc(product / divisor)) | 0
  }, word | 0)

/** Of a run's seed, which may have 53 bits: the word that goes into the graph. */
export const seedWord = (seed: number): number => mixed(seed | 0) ^ mixed(Math.floor(seed / 2 ** 32) + 1)

/** What the columns of every mask are multiplied by: odd, so that no bit is lost. */
export function columnWords(columns: number): Int32Array {
  const random = seeded(1)
  return Int32Array.from({ length: columns }, () => random.uint32() | 1)
}

/** Words up to here are dropped: a part `p` of them all. */
export const lastDropped = (p: number): number => Math.round(p * 2 ** 32 - 2 ** 31) - 1

/** One place where a model drops, or `AUGMENTED`, in one step. */
export interface Place {
  seed: number
  /** Of the job. */
  step: number
  /** In the order in which the model drops, from 0. */
  place: number
}

/** The place of what becomes of pictures, before those that drop. */
export const AUGMENTED = -1

/** The words of a place by the numbers of its elements, from 0. */
function wordsOf({ seed, step, place }: Place): (element: number) => number {
  const word = mixed(mixed(seedWord(seed) + step) + Math.imul(place, STRIDES.place))
  return element => mixed(word + Math.imul(element, STRIDES.row))
}

/** `[rows, columns]`: 0 where an element is dropped, else `1 / (1 − p)` (Srivastava et al. 2014; scaled while training). */
export function dropoutMask(at: Place, rows: number, columns: number, p: number): Float32Array {
  const wordOf = wordsOf(at)
  const words = columnWords(columns)
  const last = lastDropped(p)
  return Float32Array.from({ length: rows * columns }, (_, i) => {
    const row = 2 * wordOf(Math.floor(i / columns)) + 1
    return Math.imul(row, words[i % columns] ?? 0) > last ? 1 / (1 - p) : 0
  })
}

/**
 * For each row of a batch a whole number below each of `sizes`, `[rows, sizes]`. The remainder favours small numbers by a
 * part of `size / 2^31`.
 */
export function drawn(at: Place, rows: number, sizes: readonly number[]): Int32Array {
  const wordOf = wordsOf(at)
  return Int32Array.from(
    { length: rows * sizes.length },
    (_, i) => (Math.trunc(wordOf(i) / 2) + 2 ** 30) % (sizes[i % sizes.length] ?? 1),
  )
}
