import { isMissing } from './missing.ts'

/** The mark between whole and fraction. What groups thousands follows from it. */
export type Decimal = '.' | ','

const PLAIN = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const GROUPED = { '.': /^[+-]?\d{1,3}(,\d{3})+(\.\d*)?$/, ',': /^[+-]?\d{1,3}(\.\d{3})+(,\d*)?$/ }
/** Thin, narrow and plain spaces and the Swiss apostrophe group thousands everywhere. */
const SPACED = /^[+-]?\d{1,3}([ \u00a0\u2009\u202f'’]\d{3})+([.,]\d*)?$/
const SPACES = /[ \u00a0\u2009\u202f'’]/g
const DECORATION = /^([+-]?)\s*[€$£¥]\s*|\s*(?:[€$£¥%]|EUR|USD|CHF|kr)$/g
const INFINITE = /^[+-]?inf(inity)?$/i

/**
 * A cell's number in a spreadsheet's spelling: 1234.5, 1,234.5, 1.234,5, 1 234,5, € 12, 45 %.
 * @returns NaN for a missing value, ±Infinity as written, undefined for anything else
 */
export function parseNumber(cell: string, decimal: Decimal): number | undefined {
  const text = cell.trim()
  if (isMissing(text)) return Number.NaN
  return parsePlain(text, decimal) ?? parseDecorated(text, decimal)
}

function parsePlain(text: string, decimal: Decimal): number | undefined {
  if (INFINITE.test(text)) return text.startsWith('-') ? -Infinity : Infinity
  if (decimal === '.') {
    if (PLAIN.test(text)) return Number(text)
    if (GROUPED['.'].test(text)) return Number(text.replaceAll(',', ''))
  } else {
    if (!text.includes('.') && PLAIN.test(text.replace(',', '.'))) return Number(text.replace(',', '.'))
    if (GROUPED[','].test(text)) return Number(text.replaceAll('.', '').replace(',', '.'))
  }
  if (!SPACED.test(text) || text.includes(decimal === '.' ? ',' : '.')) return undefined
  return Number(text.replace(SPACES, '').replace(',', '.'))
}

function parseDecorated(text: string, decimal: Decimal): number | undefined {
  const bare = text.replace(DECORATION, '$1')
  return bare === text ? undefined : parsePlain(bare, decimal)
}

/** `007` or a number too long for a double is a code, not an amount. */
export const isCode = (text: string): boolean => /^0\d+$/.test(text) || /^\d{16,}$/.test(text)
