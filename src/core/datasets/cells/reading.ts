import { DATE_LAYOUTS, type DateLayout, parseDate } from './date.ts'
import { isMissing } from './missing.ts'
import { type Decimal, isCode, parseNumber } from './number.ts'

/** How a column's cells are understood. */
export type Reading =
  | { kind: 'number'; decimal: Decimal }
  | { kind: 'date'; layout: DateLayout }
  | { kind: 'text' }
  /** A list or record inside a cell; `type` is its type in the file. */
  | { kind: 'nested'; type: string }

/** So much of a column must fit a reading; the rest is reported and counts as missing. */
export const ENOUGH = 0.95

/** Reads a column's first cells every way and keeps the reading that understands most of them. */
export function readingOf(cells: readonly string[], decimal: Decimal): Reading {
  const values = cells.map(cell => cell.trim()).filter(text => !isMissing(text))
  if (values.length === 0 || share(values, isCode) > 1 - ENOUGH) return { kind: 'text' }
  const other: Decimal = decimal === '.' ? ',' : '.'
  const candidates: [Reading, number][] = [
    [{ kind: 'number', decimal }, share(values, text => isNumber(text, decimal))],
    [{ kind: 'number', decimal: other }, share(values, text => isNumber(text, other))],
    ...DATE_LAYOUTS.map((layout): [Reading, number] => [
      { kind: 'date', layout },
      share(values, text => parseDate(text, layout) !== undefined),
    ]),
  ]
  const [best, fits] = candidates.reduce((a, b) => (b[1] > a[1] ? b : a))
  return fits >= ENOUGH ? best : { kind: 'text' }
}

/** The decimal mark that makes numbers of more cells; a point when both do as well. */
export function decimalOf(cells: readonly string[], separator: string): Decimal {
  let point = 0
  let comma = 0
  for (const cell of cells) {
    const text = cell.trim()
    if (text === '' || !/\d/.test(text)) continue
    if (isNumber(text, '.')) point++
    if (isNumber(text, ',')) comma++
  }
  if (point === comma)
    return separator === ';' && cells.some(cell => /^\s*-?\d+,\d+\s*$/.test(cell)) ? ',' : '.'
  return comma > point ? ',' : '.'
}

const isNumber = (text: string, decimal: Decimal) => parseNumber(text, decimal) !== undefined

const share = (values: readonly string[], fits: (text: string) => boolean): number =>
  values.filter(fits).length / values.length
