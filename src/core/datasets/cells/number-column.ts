import { BLOCK, type BlockColumn, type ColumnPart, counted, joined, type Misfits, textOf } from './column.ts'
import { type Decimal, parseNumber } from './number.ts'
import { NumberFacts, type NumbersPart } from './number-facts.ts'

export interface NumberPart extends ColumnPart, NumbersPart {
  infinite: Misfits | undefined
}

const POWERS = Float64Array.from({ length: 16 }, (_, i) => 10 ** i)

export class NumberColumn extends NumberFacts implements BlockColumn<Float64Array, NumberPart> {
  readonly reading: { kind: 'number'; decimal: Decimal }
  readonly #decimal: number
  /** The block that is being filled; NaN is missing. */
  readonly current = new Float64Array(BLOCK)
  misfits: Misfits | undefined
  infinite: Misfits | undefined

  constructor(decimal: Decimal) {
    super()
    this.reading = { kind: 'number', decimal }
    this.#decimal = decimal.charCodeAt(0)
  }

  cell(buffer: Uint8Array, start: number, end: number, at: number, row: number): void {
    let i = start
    const negative = i < end && buffer[i] === 0x2d
    if (negative) i++
    const first = i
    let digits = 0
    let value = 0
    let fraction = 0
    while (i < end) {
      const digit = buffer[i]! - 0x30
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
      i++
    }
    digits = i - first
    if (i < end && buffer[i] === this.#decimal) {
      const point = ++i
      while (i < end) {
        const digit = buffer[i]! - 0x30
        if (digit < 0 || digit > 9) break
        value = value * 10 + digit
        i++
      }
      fraction = i - point
      digits += fraction
    }
    // Fifteen digits and a power of ten up to 10^15 are exact doubles, so that one division rounds correctly.
    if (i === end && digits > 0 && digits <= 15) {
      if (fraction > 0) value /= POWERS[fraction]!
      this.current[at] = negative ? -value : value
    } else this.current[at] = start === end ? Number.NaN : this.#spelled(buffer, start, end, row)
  }

  #spelled(buffer: Uint8Array, start: number, end: number, row: number): number {
    const text = textOf(buffer, start, end)
    const value = parseNumber(text, this.reading.decimal)
    if (value === undefined) {
      this.misfits = counted(this.misfits, row, text)
      return Number.NaN
    }
    if (value === Infinity || value === -Infinity) this.infinite = counted(this.infinite, row, text)
    return value
  }

  values(values: Float64Array, at: number, row: number): void {
    this.current.set(values, at)
    for (const [i, value] of values.entries()) {
      if (value === Infinity || value === -Infinity)
        this.infinite = counted(this.infinite, row + i, String(value))
    }
  }

  part(): NumberPart {
    return { ...this.numbers(), misfits: this.misfits, infinite: this.infinite }
  }

  join({ misfits, infinite, ...numbers }: NumberPart, row: number): void {
    this.joinNumbers(numbers)
    this.misfits = joined(this.misfits, misfits, row)
    this.infinite = joined(this.infinite, infinite, row)
  }
}
