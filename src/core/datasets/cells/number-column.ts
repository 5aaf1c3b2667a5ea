import { BLOCK, type BlockColumn, type ColumnPart, counted, joined, type Misfits, textOf } from './column.ts'
import { type Decimal, parseNumber } from './number.ts'

/** So many different values are told apart; a column with more is an amount, not a class. */
export const MOST_DISTINCT = 1_000
const POWERS = Float64Array.from({ length: 16 }, (_, i) => 10 ** i)
const SMALL = 4_096

export class NumberColumn implements BlockColumn<Float64Array> {
  readonly reading: { kind: 'number'; decimal: Decimal }
  /** Rows of each small whole number; most class labels are such. */
  readonly #small = new Uint32Array(SMALL)
  #smallSeen = 0
  readonly #others = new Map<number, number>()
  readonly #decimal: number
  /** The block that is being filled; NaN is missing. */
  readonly current = new Float64Array(BLOCK)
  rows = 0
  missing = 0
  min = Infinity
  max = -Infinity
  /** No value has a fraction. */
  whole = true
  /** Every row is its predecessor plus one: a row number. */
  counting = true
  /** More than MOST_DISTINCT different values. */
  many = false
  misfits: Misfits | undefined
  infinite: Misfits | undefined

  constructor(decimal: Decimal) {
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

  absorb(values: Float64Array, rows: number): void {
    this.#measure(values, rows)
    if (!this.many) this.#collect(values, rows)
    this.rows += rows
  }

  part(): ColumnPart {
    return { misfits: this.misfits, infinite: this.infinite }
  }

  join({ misfits, infinite }: ColumnPart, row: number): void {
    this.misfits = joined(this.misfits, misfits, row)
    this.infinite = joined(this.infinite, infinite, row)
  }

  #measure(values: Float64Array, rows: number): void {
    let { missing, min, max, whole, counting } = this
    const first = this.rows === 0 ? values[0]! : this.#first
    this.#first = first
    for (let i = 0; i < rows; i++) {
      const value = values[i]!
      if (Number.isNaN(value)) {
        missing++
        continue
      }
      if (value < min) min = value
      if (value > max) max = value
      if (whole && value !== Math.floor(value)) whole = false
      if (counting && value !== first + this.rows + i) counting = false
    }
    Object.assign(this, { missing, min, max, whole, counting })
  }
  #first = 0

  #collect(values: Float64Array, rows: number): void {
    const small = this.#small
    for (let i = 0; i < rows; i++) {
      const value = values[i]!
      if (value >= 0 && value < SMALL && value === Math.floor(value)) {
        if (small[value]!++ === 0) this.#smallSeen++
      } else if (!Number.isNaN(value)) this.#others.set(value, (this.#others.get(value) ?? 0) + 1)
      if (this.#smallSeen + this.#others.size > MOST_DISTINCT) {
        this.many = true
        this.#others.clear()
        return
      }
    }
  }

  /** How many different values there are, unless `many`. */
  get distinct(): number {
    return this.many ? MOST_DISTINCT + 1 : this.#smallSeen + this.#others.size
  }

  /** Rows of each value, ascending, unless `many`. */
  counts(): [value: number, rows: number][] {
    const small = [...this.#small.entries()].filter(([, rows]) => rows > 0)
    return [...small, ...this.#others].sort((a, b) => a[0] - b[0])
  }
}
