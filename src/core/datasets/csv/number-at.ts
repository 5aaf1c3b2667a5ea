const POWERS = Float64Array.from({ length: 10 }, (_, i) => 10 ** i)
const MINUS = 0x2d
const ZERO = 0x30
const RETURN = 0x0d
const LINE_FEED = 0x0a

/**
 * Most cells of most tables are short plain numbers: read while the end of the cell is looked for, into the column at
 * once. Up to nine digits fit an int32, whose arithmetic is the fastest, and one division by a power of ten rounds
 * correctly. The bytes must end with a newline.
 * @returns where the separator or newline behind the number is; −1 when the cell is something else
 */
export function numberAt(
  buffer: Uint8Array,
  start: number,
  column: Float64Array,
  at: number,
  separator: number,
  newline: number,
  decimal: number,
): number {
  let i = start
  const negative = buffer[i] === MINUS
  if (negative) i++
  const first = i
  let value = 0
  let digit = buffer[i]! - ZERO
  while (digit >>> 0 <= 9) {
    value = (Math.imul(value, 10) + digit) | 0
    digit = buffer[++i]! - ZERO
  }
  let digits = i - first
  let fraction = 0
  if (digit === decimal - ZERO) {
    const point = ++i
    digit = buffer[i]! - ZERO
    while (digit >>> 0 <= 9) {
      value = (Math.imul(value, 10) + digit) | 0
      digit = buffer[++i]! - ZERO
    }
    fraction = i - point
    digits += fraction
  }
  if ((digits - 1) >>> 0 > 8) return -1
  let byte = digit + ZERO
  if (byte === RETURN && newline === LINE_FEED) byte = buffer[++i]!
  if (byte !== separator && byte !== newline) return -1
  const number = value / POWERS[fraction]! // by one, too: to foresee which is not worth a branch
  column[at] = negative ? -number : number // of an int32, −0 would have all of this compiled again
  return i
}
