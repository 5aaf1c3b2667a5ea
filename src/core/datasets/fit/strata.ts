import type { Block } from '../cells/column.ts'
import type { KnownColumn } from '../cells/known.ts'
import { NumberColumn } from '../cells/number-column.ts'
import { NONE } from '../split.ts'
import type { Spool } from '../table/spool.ts'

/** What the holdout takes equal parts of: classes, or tenths of a regression target's range by rank. */
export interface Strata {
  sizes: number[]
  /** Stratum of each row of a block. */
  of(block: Block): Int32Array
}

export interface ClassStrata extends Strata {
  /** Class names, as in the model's outputs. */
  names: string[]
}

const TENTHS = 10
const LOOKED_AT = 100_000
/** Labels are mostly small whole numbers: looked up in an array. */
const SMALL = 256

/** @param at  the target's place among the block's columns */
export function classStrata(known: KnownColumn, at: number): ClassStrata {
  if (known instanceof NumberColumn) return numberClasses(known, at)
  if (!('dictionary' in known)) throw new TypeError('dates are not classes')
  const codes = known.dictionary.values.map((_, code) => code).filter(code => known.counts[code]! > 0)
  const value = (code: number) => known.dictionary.values[code]!
  codes.sort((a, b) => (value(a) < value(b) ? -1 : 1))
  const classOf = new Int32Array(known.dictionary.values.length).fill(NONE)
  for (const [index, code] of codes.entries()) classOf[code] = index
  return {
    names: codes.map(value),
    sizes: codes.map(code => known.counts[code]!),
    of: ({ rows, columns }) => map(columns[at]!, rows, code => classOf[code] ?? NONE),
  }
}

function numberClasses(known: NumberColumn, at: number): ClassStrata {
  const counts = known.counts()
  const classOf = new Map(counts.map(([value], index) => [value, index]))
  const small = Int32Array.from({ length: SMALL }, (_, value) => classOf.get(value) ?? NONE)
  const lookUp = (value: number) => classOf.get(value) ?? NONE
  return {
    names: counts.map(([value]) => String(value)),
    sizes: counts.map(([, rows]) => rows),
    of: ({ rows, columns }) => map(columns[at]!, rows, value => small[value] ?? lookUp(value)),
  }
}

/** Bounds come from evenly spaced rows, at most 100,000: the same file gives the same strata. */
export function tenthStrata(spool: Spool, rows: number, at: number): Strata {
  const bounds = tenths(spool, Math.max(1, Math.ceil(rows / LOOKED_AT)), at)
  const of = ({ rows, columns }: Block) => map(columns[at]!, rows, value => tenthOf(value, bounds))
  const sizes = new Array<number>(bounds.length + 1).fill(0)
  for (const block of spool.blocks()) for (const stratum of of(block)) if (stratum !== NONE) sizes[stratum]!++
  return { sizes, of }
}

function tenths(spool: Spool, step: number, at: number): number[] {
  const values: number[] = []
  let next = 0
  for (const { rows, columns } of spool.blocks()) {
    for (; next < rows; next += step) if (!Number.isNaN(columns[at]![next])) values.push(columns[at]![next]!)
    next -= rows
  }
  values.sort((a, b) => a - b)
  const bounds = Array.from(
    { length: TENTHS - 1 },
    (_, i) => values[Math.floor(((i + 1) * values.length) / TENTHS)],
  )
  return [...new Set(bounds.filter(bound => bound !== undefined))]
}

function tenthOf(value: number, bounds: readonly number[]): number {
  if (Number.isNaN(value)) return NONE
  let stratum = 0
  while (stratum < bounds.length && value >= bounds[stratum]!) stratum++
  return stratum
}

function map(column: Float64Array | Int32Array, rows: number, of: (value: number) => number): Int32Array {
  const result = new Int32Array(rows)
  for (let i = 0; i < rows; i++) result[i] = of(column[i]!)
  return result
}
