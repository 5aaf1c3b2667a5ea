import { DateColumn } from '../cells/date-column.ts'
import type { KnownColumn } from '../cells/known.ts'
import { NumberColumn } from '../cells/number-column.ts'
import { TextColumn } from '../cells/text-column.ts'
import type { Scanned } from '../table/scan.ts'
import type { ClassCount, ColumnReport, Problem, Task } from '../types.ts'

export const MOST_CLASSES = 1_000
const RARE = 5
const ONE_SIDED = 0.95

/** What is wrong with single columns. */
export function columnProblems({ columns, rows }: Scanned, reports: readonly ColumnReport[]): Problem[] {
  return columns.flatMap(({ name, known }, c) => {
    const role = reports[c]?.role
    const used = role === 'feature' || role === 'target'
    return [
      ...(known && used ? misfits(name, known, rows) : []),
      ...(known && used ? gaps(name, known, rows, role) : []),
      ...(role === 'ignored' || role === 'constant' ? [leftOut(name, reports[c]!)] : []),
    ]
  })
}

function misfits(name: string, known: KnownColumn, rows: number): Problem[] {
  const problems: Problem[] = []
  if (known instanceof NumberColumn && known.infinite) {
    const { count, row, example } = known.infinite
    problems.push({
      code: 'dataset/infinite',
      severity: 'error',
      message: `Column "${name}" holds infinity in ${count} of ${rows.toLocaleString('en')} rows (first: row ${row + 1}, "${example}").`,
      fix: 'Leave such cells empty, or put the largest sensible number there.',
    })
  }
  if (!(known instanceof TextColumn) && known.misfits) {
    const { count, row, example } = known.misfits
    const kind = known instanceof DateColumn ? 'dates' : 'numbers'
    problems.push({
      code: 'dataset/column-mixed',
      severity: 'warning',
      message: `Column "${name}" holds ${kind}, but something else in ${count} of ${rows.toLocaleString('en')} rows (first: row ${row + 1}, "${example}"). Those cells count as missing.`,
      fix: 'Correct those cells or leave them empty.',
    })
  }
  return problems
}

function gaps(name: string, known: KnownColumn, rows: number, role: 'feature' | 'target'): Problem[] {
  const missing = known.missing
  if (missing === 0 || missing === rows) return []
  const part = `${missing.toLocaleString('en')} of ${rows.toLocaleString('en')} rows`
  if (role === 'target') {
    return [
      {
        code: 'dataset/target-missing',
        severity: 'warning',
        message: `The target "${name}" is missing in ${part}. Those rows are left out.`,
        fix: 'Fill in the answers, if you know them.',
      },
    ]
  }
  if (missing * 2 < rows) return []
  return [
    {
      code: 'dataset/column-sparse',
      severity: 'warning',
      message: `Column "${name}" is missing in ${part}.`,
      fix: 'Leave the column out if it does not help.',
    },
  ]
}

const leftOut = (name: string, report: ColumnReport): Problem => ({
  code: report.role === 'constant' ? 'dataset/column-constant' : 'dataset/column-ignored',
  severity: 'info',
  message: `Column "${name}" is left out. ${report.why}`,
  fix:
    report.type === 'text' && report.role === 'ignored'
      ? 'If it matters, group its values into fewer ones.'
      : 'Nothing needs to be done.',
})

/** What is wrong with the answer. Everything here that is an error makes training impossible. */
export function targetProblems(
  name: string,
  known: KnownColumn,
  task: Task,
  classes: readonly ClassCount[] | undefined,
): Problem[] {
  const filled = known.rows - known.missing
  if (filled === 0) return [empty(name, known)]
  if (task === 'regression')
    return known instanceof NumberColumn ? flat(name, known) : [notNumbers(name, known)]
  if (
    known instanceof DateColumn ||
    !classes ||
    classes.length > MOST_CLASSES ||
    (filled > 20 && classes.length > filled / 2)
  )
    return [tooManyClasses(name)]
  return classProblems(name, classes)
}

const empty = (name: string, known: KnownColumn): Problem => ({
  code: 'dataset/target-empty',
  severity: 'error',
  message: `The target "${name}" is missing in all ${known.rows.toLocaleString('en')} rows.`,
  fix: 'Name another column as the target, or fill this one in.',
})

const notNumbers = (name: string, known: KnownColumn): Problem => ({
  code: 'dataset/target-not-numbers',
  severity: 'error',
  message: `The target "${name}" holds ${known instanceof DateColumn ? 'dates' : 'text'}: regression predicts a number.`,
  fix: 'Name a column of numbers, or choose classification.',
})

const flat = (name: string, known: NumberColumn): Problem[] =>
  known.min < known.max
    ? []
    : [
        {
          code: 'dataset/target-constant',
          severity: 'error',
          message: `The target "${name}" is ${known.min} in every row: there is nothing to learn.`,
          fix: 'Name another column as the target.',
        },
      ]

const tooManyClasses = (name: string): Problem => ({
  code: 'dataset/too-many-classes',
  severity: 'error',
  message: `The target "${name}" has too many different values for classes: it looks like an identifier or an amount.`,
  fix: 'Name another column as the target, or choose regression if it holds numbers.',
})

function classProblems(name: string, classes: readonly ClassCount[]): Problem[] {
  const [first, ...others] = classes
  if (!first || others.length === 0) {
    return [
      {
        code: 'dataset/single-class',
        severity: 'error',
        message: `The target "${name}" has a single class${first ? `, "${first.name}"` : ''}: there is nothing to tell apart.`,
        fix: 'Add rows of at least one other class, or name another column as the target.',
      },
    ]
  }
  const total = classes.reduce((sum, { rows }) => sum + rows, 0)
  const rare = classes.filter(({ rows }) => rows < RARE)
  const problems: Problem[] = []
  if (rare.length > 0) {
    problems.push({
      code: 'dataset/rare-classes',
      severity: 'warning',
      message: `${rare.length} of ${classes.length} classes have fewer than ${RARE} rows, e.g. "${rare[0]?.name}": they can hardly be learned.`,
      fix: 'Add rows of those classes, or join them with others.',
    })
  }
  if (first.rows > total * ONE_SIDED) {
    problems.push({
      code: 'dataset/one-sided',
      severity: 'warning',
      message: `${Math.floor((100 * first.rows) / total)} % of the rows are of class "${first.name}": always answering so would look right. Look at macro F1, not at accuracy.`,
      fix: 'Add rows of the other classes.',
    })
  }
  return problems
}
