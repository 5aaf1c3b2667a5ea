import type { Row } from '../datasets/index.ts'
import type { ModelConfig } from './config.ts'
import type { Prediction } from './predictions.ts'

export type AnswerFormat = 'csv' | 'jsonl'

/** The columns that a model adds to the rows it was asked about. */
const added = ({ task, interval }: ModelConfig): (keyof Prediction)[] => {
  if (task === 'classification') return ['prediction', 'confidence']
  return interval ? ['prediction', 'low', 'high'] : ['prediction']
}

/**
 * The rows as text, each with its answer behind it: CSV with a header (RFC 4180), or JSON lines.
 * @param asked  what the answers are for, in the same order
 */
export function* answerLines(
  format: AnswerFormat,
  config: ModelConfig,
  asked: readonly Row[],
  answers: readonly Prediction[],
): Generator<string> {
  const columns = Object.keys(asked[0] ?? {})
  const extra = added(config).map(key => ({ key, name: unused(key, columns) }))
  if (format === 'csv') yield csvLine([...columns, ...extra.map(({ name }) => name)])
  for (const [i, answer] of answers.entries()) {
    const row = asked[i] ?? {}
    const own = extra.map(({ key }) => cellOf(answer[key]))
    if (format === 'csv') yield csvLine([...columns.map(name => row[name] ?? null), ...own])
    else
      yield `${JSON.stringify({ ...row, ...Object.fromEntries(extra.map(({ name }, c) => [name, own[c]])) })}\n`
  }
}

/** A table that has a column "prediction" already keeps it. */
function unused(name: string, columns: readonly string[]): string {
  let free = name
  for (let n = 2; columns.includes(free); n++) free = `${name}_${n}`
  return free
}

/** The engine computes in float32: further digits would be noise. */
function cellOf(value: Prediction[keyof Prediction]): string | number | null {
  if (typeof value === 'number') return Number.isFinite(value) ? Number(value.toPrecision(7)) : null
  return typeof value === 'string' ? value : null
}

const csvLine = (cells: readonly (string | number | null)[]): string => `${cells.map(quoted).join(',')}\r\n`

function quoted(cell: string | number | null): string {
  const text = cell === null ? '' : String(cell)
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
