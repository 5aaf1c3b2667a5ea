import type { KnownColumn } from '../cells/known.ts'
import { NumberColumn } from '../cells/number-column.ts'
import { TextColumn } from '../cells/text-column.ts'
import type { Scanned } from '../table/scan.ts'
import type { ClassCount, Problem, RowsInspection, Task } from '../types.ts'
import { columnProblems, targetProblems } from './problems.ts'
import { reportColumns } from './roles.ts'
import { findTarget, inferTask } from './target.ts'

const PREVIEW_ROWS = 5

/** Says what a table is. @throws UserError `dataset/unknown-target` */
export function inferTable(scanned: Scanned, wanted: { target?: string; task?: Task }): RowsInspection {
  const { table, columns, rows } = scanned
  const reports = reportColumns(scanned)
  const found = findTarget(reports, wanted.target, table.path)
  const known = found && columns[found.index]?.known
  const inspection: RowsInspection = {
    path: table.path,
    format: table.format,
    ...(table.dialect ? { dialect: table.dialect } : {}),
    rows,
    columns: reports,
    targetWhy: found?.why ?? 'No column can be predicted.',
    taskWhy: '',
    preview: { columns: columns.map(({ name }) => name), rows: previewOf(table.head) },
    problems: [],
  }
  if (!found || !known) return { ...inspection, problems: [noTarget(), ...columnProblems(scanned, reports)] }
  const report = reports[found.index]! // findTarget gives an index into reports
  Object.assign(report, { role: 'target', why: found.why })
  const { task, why } = inferTask(known, wanted.task)
  const classes = task === 'classification' ? classesOf(known) : undefined
  return {
    ...inspection,
    target: report.name,
    task,
    taskWhy: why,
    ...(classes ? { classes } : {}),
    problems: [
      ...targetProblems(report.name, known, task, classes),
      ...(reports.some(({ role }) => role === 'feature') ? [] : [noFeatures(report.name)]),
      ...columnProblems(scanned, reports),
    ],
  }
}

/** Most frequent first; undefined when there are more than can be listed. */
function classesOf(known: KnownColumn): ClassCount[] | undefined {
  if (known instanceof TextColumn) {
    if (known.dictionary.full) return undefined
    return known.dictionary.values
      .map((name, code) => ({ name, rows: known.counts[code]! })) // as many counts as values
      .sort((a, b) => b.rows - a.rows)
  }
  if (!(known instanceof NumberColumn) || known.many) return undefined
  return known
    .counts()
    .map(([value, rows]) => ({ name: String(value), rows }))
    .sort((a, b) => b.rows - a.rows)
}

const previewOf = (head: readonly string[][]): string[][] =>
  head.slice(0, PREVIEW_ROWS).map(row => row.map(cell => (cell.length > 60 ? `${cell.slice(0, 59)}…` : cell)))

const noTarget = (): Problem => ({
  code: 'dataset/no-target',
  severity: 'error',
  message: 'No column can be the target: all are empty, constant, identifiers or dates.',
  fix: 'Name the target column, or add one with the answers.',
})

const noFeatures = (target: string): Problem => ({
  code: 'dataset/no-features',
  severity: 'error',
  message: `Apart from the target "${target}" no column can be learned from.`,
  fix: 'Add columns with numbers, dates or categories.',
})
