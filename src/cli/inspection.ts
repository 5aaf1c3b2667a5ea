import { basename } from 'node:path'
import type { Inspection, Problem, RowsInspection } from '../core/datasets/index.ts'
import { clip, count, counted, type Paint, percent, printable, type Style } from './format.ts'
import { bar } from './progress/lines.ts'
import { table } from './table.ts'
import { encodings, textLines } from './text-inspection.ts'

/** More columns or classes than this are summed up in one line; `--json` has them all. */
const MOST = 40

/** What `gradstr inspect` shows: what was found, what it was taken for, and why. */
export function inspectionLines(found: Inspection, paint: Paint): string[] {
  return [
    ...(found.format === 'text' ? textLines(found, paint) : rowsLines(found, paint)),
    ...previewLines(found, paint),
    ...found.problems.flatMap(problem => ['', ...problemLines(problem, paint)]),
  ]
}

const rowsLines = (found: RowsInspection, paint: Paint): string[] => [
  ...heading(found, paint),
  '',
  ...conclusion(found, paint),
  ...(found.classes ? classLines(found.classes, found.rows, paint) : []),
  ...(found.columns.length > 0 ? ['', ...columnTable(found, paint)] : []),
]

const formats = {
  csv: 'CSV table',
  parquet: 'Parquet table',
  jsonl: 'JSON lines',
  idx: 'IDX images',
  images: 'Images',
}
const separators = { ',': 'comma', ';': 'semicolon', '\t': 'tab', '|': 'bar' }

function heading(found: RowsInspection, paint: Paint): string[] {
  const { images, dialect } = found
  const size = images
    ? `${images.width} × ${images.height} pixels${images.channels === 3 ? ' in colour' : ''}${images.testRows > 0 ? `, ${counted(images.testRows, 'test image')}` : ''}`
    : counted(found.columns.length, 'column')
  const first = `${paint('bold', printable(basename(found.path)))}  ${formats[found.format]}, ${counted(found.rows, 'row')}, ${size}`
  if (!dialect) return images?.why ? [first, paint('dim', `  ${images.why}`)] : [first]
  const read = [
    encodings[dialect.encoding],
    `separator ${separators[dialect.separator]}`,
    `decimal ${dialect.decimal === ',' ? 'comma' : 'point'}`,
    dialect.header ? 'names in the first row' : 'no header',
  ].join(', ')
  return [
    first,
    paint('dim', `  read as ${read}`),
    ...dialect.why.map(why => paint('dim', `  ${printable(why)}`)),
  ]
}

function conclusion({ task, taskWhy, target, targetWhy }: RowsInspection, paint: Paint): string[] {
  const rows = [
    ['Target', target === undefined ? 'not found' : printable(target), printable(targetWhy)],
    ['Task', task ?? 'not clear', printable(taskWhy)],
  ].map(([name = '', value = '', why = '']) => [name, paint('bold', value), paint('dim', why)])
  return table([{ title: '' }, { title: '' }, { title: '' }], rows)
}

function classLines(classes: { name: string; rows: number }[], rows: number, paint: Paint): string[] {
  const most = Math.max(1, ...classes.map(c => c.rows))
  const shown = classes
    .slice(0, MOST)
    .map(c => [
      `  ${clip(printable(c.name), 30)}`,
      count(c.rows),
      percent(rows === 0 ? 0 : c.rows / rows),
      paint('cyan', bar(c.rows / most, 20).replaceAll('─', '')),
    ])
  const rest = classes.length - shown.length
  return [
    '',
    `${paint('bold', 'Balance')}  ${counted(classes.length, 'class', 'classes')}`,
    ...table(
      [{ title: '' }, { title: '', align: 'right' }, { title: '', align: 'right' }, { title: '' }],
      shown,
    ),
    ...(rest > 0 ? [paint('dim', `  … and ${counted(rest, 'class', 'classes')} more`)] : []),
  ]
}

const roleStyle: Record<string, Style> = { target: 'green', feature: 'cyan' }

function columnTable({ columns, rows }: RowsInspection, paint: Paint): string[] {
  const titles = [
    { title: '  Column' },
    { title: 'Type' },
    { title: 'Role' },
    { title: 'Missing', align: 'right' as const },
    { title: 'Distinct', align: 'right' as const },
    { title: 'For example' },
    { title: 'Why' },
  ]
  const cells = columns
    .slice(0, MOST)
    .map(c => [
      `  ${clip(printable(c.name), 24)}`,
      c.type,
      paint(roleStyle[c.role] ?? 'dim', c.role),
      c.missing === 0 ? '0' : `${count(c.missing)} (${percent(c.missing / Math.max(1, rows))})`,
      `${c.distinctIsMinimum ? '≥ ' : ''}${count(c.distinct)}`,
      clip(printable(c.examples.slice(0, 2).join(' · ')), 24),
      paint('dim', printable(c.why)),
    ])
  const rest = columns.length - cells.length
  const [head = '', ...lines] = table(titles, cells)
  const more = rest > 0 ? [paint('dim', `  … and ${counted(rest, 'column')} more`)] : []
  return [paint('dim', head), ...lines, ...more]
}

function previewLines({ preview, format }: Inspection, paint: Paint): string[] {
  if (preview.rows.length === 0) return []
  const across = preview.columns.slice(0, 8)
  const cell = (text: string) => clip(printable(text), across.length > 2 ? 18 : 72)
  const titles = across.map((name, i) => ({ title: i === 0 ? `  ${cell(name)}` : cell(name) }))
  const rows = preview.rows
    .slice(0, 5)
    .map(row => across.map((_, i) => (i === 0 ? `  ${cell(row[i] ?? '')}` : cell(row[i] ?? ''))))
  const [head = '', ...lines] = table(titles, rows)
  const hidden = preview.columns.length - across.length
  const more = hidden > 0 ? `, ${hidden} more to the right` : ''
  return [
    '',
    `${paint('bold', format === 'text' ? 'First documents' : 'First rows')}${more}`,
    paint('dim', head),
    ...lines,
  ]
}

const severity: Record<Problem['severity'], { word: string; style: Style }> = {
  error: { word: 'Problem', style: 'red' },
  warning: { word: 'Warning', style: 'yellow' },
  info: { word: 'Note', style: 'dim' },
}

function problemLines(problem: Problem, paint: Paint): string[] {
  const { word, style } = severity[problem.severity]
  return [`${paint(style, `${word}:`)} ${printable(problem.message)}`, `  ${printable(problem.fix)}`]
}
