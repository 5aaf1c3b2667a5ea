import type { Data, Evaluator, Tensors } from '../training/index.ts'
import { finiteOrNull } from './compare.ts'
import type { Gain } from './figures.ts'
import { sampleRows } from './sample.ts'

/** Groups of rows from whose means the standard error is taken: enough for a fair one, few enough to be quick. */
const GROUPS = 16

/** Mean losses of the groups of one sample: of a fixed θ, or of one update beside it. */
export interface SampleLosses {
  groups: { rows: number; loss: number }[]
  rows: number
}

/** A seeded sample of a dataset, cut into groups that each are spread over the whole of it. */
export function sampleGroups(rows: number, most: number, seed: number): number[][] {
  const sample = sampleRows(rows, most, seed)
  const groups = Math.min(GROUPS, sample.length)
  return Array.from({ length: groups }, (_, g) => sample.filter((_, i) => i % groups === g))
}

export async function lossesOf(
  evaluator: Evaluator,
  weights: Tensors,
  data: Data,
  sample: readonly number[][],
): Promise<SampleLosses> {
  const groups = []
  for (const rows of sample)
    groups.push({ rows: rows.length, loss: (await evaluator.losses(weights, data, rows)).loss })
  return { groups, rows: groups.reduce((sum, g) => sum + g.rows, 0) }
}

/** The gain from one set of weights to another over the same sample, with its standard error (paired by group). */
export function gainOf(before: SampleLosses, after: SampleLosses): Gain {
  const [a, b] = [meanOf(before), meanOf(after)]
  const differences = before.groups.map((g, i) => g.loss - after.groups[i]!.loss)
  return {
    before: finiteOrNull(a),
    after: finiteOrNull(b),
    gain: finiteOrNull(a - b),
    error: finiteOrNull(standardError(differences)),
    rows: before.rows,
  }
}

const meanOf = ({ groups, rows }: SampleLosses): number =>
  groups.reduce((sum, g) => sum + g.loss * g.rows, 0) / rows

/** Of the mean of independent values; NaN with fewer than two. */
function standardError(values: readonly number[]): number {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0)
  return Math.sqrt(squares / (values.length - 1) / values.length)
}
