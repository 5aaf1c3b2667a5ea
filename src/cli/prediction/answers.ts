import type { Prediction } from '../../core/models/index.ts'
import { counted, type Paint, percent, printable } from '../format.ts'
import { type Column, table } from '../table.ts'

export interface Answer extends Prediction {
  input: string
  /** From 1; none of a picture. */
  row?: number
}

/** More answers than this are not shown; `--out` and `--json` have them all. */
const MOST = 50

/** Six significant digits: more is not in a model. */
const number = (n: number): string => String(Number(n.toPrecision(6)))
const valueText = (value: string | number): string =>
  typeof value === 'number' ? number(value) : printable(value)

/** A sentence for one answer, a table for more. */
export function answerLines(answers: readonly Answer[], paint: Paint): string[] {
  const [one] = answers
  if (!one) return ['The input has no rows.']
  if (answers.length === 1) return [sentence(one, paint)]
  const several = new Set(answers.map(a => a.input)).size > 1
  const rowed = answers.some(a => a.row !== undefined)
  const rows = answers
    .slice(0, MOST)
    .map(a => [
      ...(several ? [printable(a.input)] : []),
      ...(rowed ? [String(a.row ?? '')] : []),
      valueText(a.prediction),
      sureness(a),
    ])
  const titles: Column[] = [
    ...(several ? [{ title: 'Input' }] : []),
    ...(rowed ? [{ title: 'Row', align: 'right' } as const] : []),
    { title: 'Answer', align: typeof one.prediction === 'number' ? 'right' : 'left' },
    {
      title: one.confidence === undefined ? (one.low === undefined ? '' : 'Usually between') : 'Sure',
      align: 'right',
    },
  ]
  const [head = '', ...lines] = table(titles, rows)
  const rest = answers.length - rows.length
  const more =
    rest > 0 ? [paint('dim', `… and ${counted(rest, 'row')} more; --out FILE writes them all`)] : []
  return [paint('dim', head), ...lines, ...more]
}

function sentence(answer: Answer, paint: Paint): string {
  const how = answer.confidence === undefined ? '' : ' sure'
  const sure = sureness(answer)
  const between = answer.low === undefined ? '' : 'usually between '
  return `${paint('bold', valueText(answer.prediction))}${sure === '' ? '' : `  (${between}${sure}${how})`}`
}

function sureness({ confidence, low, high }: Answer): string {
  if (confidence !== undefined) return percent(confidence)
  return low === undefined || high === undefined ? '' : `${number(low)} and ${number(high)}`
}

/** RFC 4180, with the columns that these answers have. */
export function answersCsv(answers: readonly Answer[]): string {
  const columns = ['input', 'row', 'prediction', 'confidence', 'low', 'high'] as const
  const used = columns.filter(column => answers.some(answer => answer[column] !== undefined))
  const line = (cells: readonly unknown[]) => `${cells.map(csvCell).join(',')}\r\n`
  return [line(used), ...answers.map(answer => line(used.map(column => answer[column])))].join('')
}

const csvCell = (value: unknown): string => {
  const text = value === undefined ? '' : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
