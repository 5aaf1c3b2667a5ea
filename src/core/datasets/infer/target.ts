import { UserError } from '../../../shared/errors.ts'
import type { KnownColumn } from '../cells/known.ts'
import { NumberColumn } from '../cells/number-column.ts'
import { TextColumn } from '../cells/text-column.ts'
import type { ColumnReport, Task } from '../types.ts'
import { nearNames } from './near.ts'

/** Names people give to the answer, by how sure they are. */
const TARGET_NAMES = [
  'target',
  'label',
  'labels',
  'class',
  'y',
  'outcome',
  'response',
  'answer',
  'ground_truth',
]
/** So many different whole numbers may be class labels; more are an amount. */
const MOST_NUMERIC_CLASSES = 20

/** @returns index of the target column, if there is one @throws UserError `dataset/unknown-target` */
export function findTarget(
  columns: readonly ColumnReport[],
  wanted: string | undefined,
  path: string,
): { index: number; why: string } | undefined {
  if (wanted !== undefined) return { index: named(columns, wanted, path), why: 'You named it.' }
  for (const name of TARGET_NAMES) {
    const index = columns.findIndex(c => c.name.toLowerCase() === name && c.type !== 'nested')
    if (index >= 0) return { index, why: `Its name, "${columns[index]?.name}", is what answers are called.` }
  }
  const index = columns.findLastIndex(c => c.role === 'feature' && c.type !== 'date')
  if (index < 0) return undefined
  return { index, why: 'It is the last column that could be one. Name another if that is wrong.' }
}

function named(columns: readonly ColumnReport[], wanted: string, path: string): number {
  const exact = columns.findIndex(c => c.name === wanted)
  if (exact >= 0) return exact
  const alike = columns.flatMap((c, i) => (c.name.toLowerCase() === wanted.trim().toLowerCase() ? [i] : []))
  if (alike.length === 1) return alike[0]!
  const names = columns.map(({ name }) => name)
  const near = nearNames(wanted, names)
  const all = names.slice(0, 20).join(', ') + (names.length > 20 ? ', …' : '')
  throw new UserError('dataset/unknown-target', {
    message: `There is no column "${wanted}".`,
    fix:
      near.length > 0 ? `Did you mean ${near.map(n => `"${n}"`).join(' or ')}?` : `The columns are: ${all}.`,
    where: path,
  })
}

/** Whether the target is a class or an amount. */
export function inferTask(known: KnownColumn, wanted: Task | undefined): { task: Task; why: string } {
  if (wanted) return { task: wanted, why: 'You chose it.' }
  if (known instanceof TextColumn)
    return { task: 'classification', why: 'The target is text: each value is a class.' }
  if (!(known instanceof NumberColumn)) return { task: 'regression', why: 'The target is not text.' }
  const count = known.distinct
  if (!known.many && (count === 2 || (known.whole && count <= MOST_NUMERIC_CLASSES)))
    return {
      task: 'classification',
      why: `The target has ${count} different ${known.whole ? 'whole ' : ''}numbers only.`,
    }
  const what = known.whole ? 'whole numbers, too many for classes' : 'numbers with fractions'
  return { task: 'regression', why: `The target holds ${what}.` }
}
