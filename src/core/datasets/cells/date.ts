export const DATE_LAYOUTS = ['ymd', 'dmy', 'mdy'] as const

export type DateLayout = (typeof DATE_LAYOUTS)[number]

const TIME = String.raw`(?:[T ]\s*(\d{1,2}):(\d{2})(?::(\d{2})(\.\d+)?)?\s*(Z|[+-]\d{2}:?\d{2})?)?`
const YEAR_FIRST = new RegExp(String.raw`^(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})${TIME}$`)
const YEAR_LAST = new RegExp(String.raw`^(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})${TIME}$`)

/**
 * @returns days since 1970-01-01 with the time of day as fraction (UTC unless the cell names an offset);
 *   undefined when it is no date of this layout
 */
export function parseDate(text: string, layout: DateLayout): number | undefined {
  const match = (layout === 'ymd' ? YEAR_FIRST : YEAR_LAST).exec(text)
  if (!match) return undefined
  const [a, b, c] = [Number(match[1]), Number(match[2]), Number(match[3])]
  const [year, month, day] = layout === 'ymd' ? [a, b, c] : layout === 'dmy' ? [c, b, a] : [c, a, b]
  const ms = Date.UTC(year, month - 1, day)
  const date = new Date(ms)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  const [hour, minute, second] = [Number(match[4] ?? 0), Number(match[5] ?? 0), Number(match[6] ?? 0)]
  if (hour > 24 || minute > 59 || second > 60) return undefined
  const seconds = hour * 3600 + minute * 60 + second + Number(match[7] ?? 0) - offsetSeconds(match[8])
  return ms / 86_400_000 + seconds / 86_400
}

function offsetSeconds(zone: string | undefined): number {
  if (!zone || zone === 'Z') return 0
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2))
  return (zone.startsWith('-') ? -60 : 60) * minutes
}
