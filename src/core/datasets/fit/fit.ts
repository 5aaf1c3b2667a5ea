import type { KnownColumn } from '../cells/known.ts'
import { NumberColumn } from '../cells/number-column.ts'
import { TextColumn } from '../cells/text-column.ts'
import type { CategoricalFeature, Feature } from '../encoding.ts'
import { momentsOf } from './moments.ts'
import type { Tally } from './tally.ts'

/** A missing value gets an input of its own when so large a part of the column is missing. */
const WORTH_AN_INPUT = 0.01
const OFTEN = 2
const OFTEN_SHARE = 0.001

/**
 * How one column becomes inputs, learned from the shards' rows only.
 * @returns undefined when they hold nothing to learn from
 */
export function featureOf(name: string, column: KnownColumn, tally: Tally): Feature | undefined {
  if (column instanceof TextColumn && tally.kind === 'texts') return fitTexts(name, column, tally)
  if (column instanceof TextColumn || tally.kind === 'texts') throw new TypeError('a tally of another column')
  const { mean, scale, missing } = momentsOf(tally.sums)
  const indicator = missing >= WORTH_AN_INPUT
  if (column instanceof NumberColumn) return { kind: 'numeric', name, mean, scale, fill: mean, indicator }
  const { layout } = column.reading
  return { kind: 'date', name, layout, time: column.time, mean, scale, indicator }
}

/** Values that hardly occur share the input of unknown ones, which so is trained, too. */
function fitTexts(
  name: string,
  { dictionary }: TextColumn,
  { rows, counts }: Extract<Tally, { kind: 'texts' }>,
): CategoricalFeature | undefined {
  const often = Math.max(OFTEN, rows * OFTEN_SHARE)
  const values = dictionary.values.filter((_, code) => counts[code]! >= often).sort()
  return values.length === 0 ? undefined : { kind: 'categorical', name, values }
}
