import type { Block } from '../cells/column.ts'
import { DateColumn } from '../cells/date-column.ts'
import type { KnownColumn } from '../cells/known.ts'
import { NumberColumn } from '../cells/number-column.ts'
import type { TextColumn } from '../cells/text-column.ts'
import type { Feature } from '../encoding.ts'
import { Moments } from './moments.ts'

/** A missing value gets an input of its own when so large a part of the column is missing. */
const WORTH_AN_INPUT = 0.01
const OFTEN = 2
const OFTEN_SHARE = 0.001

/** Learns how one column becomes inputs, from the shards' rows only. */
export interface Fit {
  readonly column: KnownColumn
  /** Place among the block's columns. */
  readonly at: number
  /** @param buckets  0 is the holdout, negative is no row of ours */
  add(block: Block, buckets: Int32Array): void
  /** Undefined when the shards' rows hold nothing to learn from. */
  feature(): Feature | undefined
}

export function fitFor(name: string, column: KnownColumn, at: number): Fit {
  if (column instanceof NumberColumn) return fitNumbers(name, column, at)
  if (column instanceof DateColumn) return fitDates(name, column, at)
  return fitTexts(name, column, at)
}

function fitNumbers(name: string, column: NumberColumn, at: number): Fit {
  const moments = new Moments()
  return {
    column,
    at,
    add: ({ columns }, buckets) => moments.add(columns[at]!, buckets),
    feature: () => {
      const { mean, scale, missing } = moments
      return { kind: 'numeric', name, mean, scale, fill: mean, indicator: missing >= WORTH_AN_INPUT }
    },
  }
}

function fitDates(name: string, column: DateColumn, at: number): Fit {
  const moments = new Moments()
  return {
    column,
    at,
    add: ({ columns }, buckets) => moments.add(columns[at]!, buckets),
    feature: () => {
      const { mean, scale, missing } = moments
      const { layout } = column.reading
      return {
        kind: 'date',
        name,
        layout,
        time: column.time,
        mean,
        scale,
        indicator: missing >= WORTH_AN_INPUT,
      }
    },
  }
}

/** Values that hardly occur share the input of unknown ones, which so is trained, too. */
function fitTexts(name: string, column: TextColumn, at: number): Fit {
  const counts = new Float64Array(column.dictionary.values.length)
  let rows = 0
  return {
    column,
    at,
    add: ({ columns }, buckets) => {
      const codes = columns[at]!
      for (let i = 0; i < buckets.length; i++) {
        if (buckets[i]! <= 0) continue
        rows++
        if (codes[i]! >= 0) counts[codes[i]!]!++
      }
    },
    feature: () => {
      const often = Math.max(OFTEN, rows * OFTEN_SHARE)
      const values = column.dictionary.values.filter((_, code) => counts[code]! >= often).sort()
      return values.length === 0 ? undefined : { kind: 'categorical', name, values }
    },
  }
}
