import type { Block } from '../cells/column.ts'
import type { KnownColumn } from '../cells/known.ts'
import { NumberColumn } from '../cells/number-column.ts'
import { NONE } from '../split.ts'
import type { Spool } from '../table/spool.ts'
import { type Classes, classesOf } from './classes.ts'

/** What the holdout takes equal parts of: classes, or tenths of a regression target's range by rank. */
export interface Strata {
  sizes: number[]
  /** Stratum of each row of a block. */
  of(block: Block): Int32Array
}

export interface ClassStrata extends Strata {
  /** Class names, as in the model's outputs. */
  names: string[]
  classes: Classes
}

const TENTHS = 10
const LOOKED_AT = 100_000

/** @param at  the target's place among the block's columns */
export function classStrata(known: KnownColumn, at: number): ClassStrata {
  const { names, sizes, classes } = known instanceof NumberColumn ? numberClasses(known) : textClasses(known)
  return { names, sizes, classes, of: ({ rows, columns }) => classesOf(classes, columns[at]!, rows) }
}

function textClasses(known: KnownColumn): Omit<ClassStrata, 'of'> {
  if (!('dictionary' in known)) throw new TypeError('dates are not classes')
  const codes = known.dictionary.values.map((_, code) => code).filter(code => known.counts[code]! > 0)
  const value = (code: number) => known.dictionary.values[code]!
  codes.sort((a, b) => (value(a) < value(b) ? -1 : 1))
  const classOf = new Int32Array(known.dictionary.values.length).fill(NONE)
  for (const [index, code] of codes.entries()) classOf[code] = index
  return {
    names: codes.map(value),
    sizes: codes.map(code => known.counts[code]!),
    classes: { kind: 'codes', classOf },
  }
}

function numberClasses(known: NumberColumn): Omit<ClassStrata, 'of'> {
  const counts = known.counts()
  return {
    names: counts.map(([value]) => String(value)),
    sizes: counts.map(([, rows]) => rows),
    classes: { kind: 'numbers', values: Float64Array.from(counts, ([value]) => value) },
  }
}

/** Bounds come from evenly spaced rows, at most 100,000: the same file gives the same strata. */
export function tenthStrata(spool: Spool, rows: number, at: number): Strata {
  const bounds = tenths(spool, Math.max(1, Math.ceil(rows / LOOKED_AT)), at)
  const of = ({ rows, columns }: Block) =>
    Int32Array.from({ length: rows }, (_, i) => tenthOf(columns[at]![i]!, bounds))
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
