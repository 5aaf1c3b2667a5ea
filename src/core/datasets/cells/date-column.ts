import { BLOCK, type BlockColumn, type ColumnPart, counted, joined, type Misfits, textOf } from './column.ts'
import { type DateLayout, parseDate } from './date.ts'
import { isMissing } from './missing.ts'
import { MOST_DISTINCT } from './number-facts.ts'

export interface DatePart extends ColumnPart {
  missing: number
  min: number
  max: number
  time: boolean
  /** Its different values, unless there are more than MOST_DISTINCT. */
  seen: Set<number> | undefined
}

export class DateColumn implements BlockColumn<Float64Array, DatePart> {
  readonly reading: { kind: 'date'; layout: DateLayout }
  rows = 0
  missing = 0
  min = Infinity
  max = -Infinity
  /** Some value has a time of day. */
  time = false
  misfits: Misfits | undefined
  readonly #seen = new Set<number>()
  /** More than MOST_DISTINCT different values: they are not counted. */
  many = false
  readonly current = new Float64Array(BLOCK)

  constructor(layout: DateLayout) {
    this.reading = { kind: 'date', layout }
  }

  cell(buffer: Uint8Array, start: number, end: number, at: number, row: number): void {
    const text = start === end ? '' : textOf(buffer, start, end).trim()
    const days = parseDate(text, this.reading.layout)
    if (days === undefined && !isMissing(text)) this.misfits = counted(this.misfits, row, text)
    this.current[at] = days ?? Number.NaN
  }

  values(values: Float64Array, at: number): void {
    this.current.set(values, at)
  }

  part(): DatePart {
    const { rows, missing, min, max, time, misfits } = this
    return { rows, missing, min, max, time, misfits, seen: this.many ? undefined : this.#seen }
  }

  join({ rows, missing, min, max, time, misfits, seen }: DatePart, row: number): void {
    this.rows += rows
    this.missing += missing
    this.min = Math.min(this.min, min)
    this.max = Math.max(this.max, max)
    this.time ||= time
    this.misfits = joined(this.misfits, misfits, row)
    if (!seen) this.#tooMany()
    for (const value of seen ?? []) this.#see(value)
  }

  /** How many different values there are, unless `many`. */
  get distinct(): number {
    return this.many ? MOST_DISTINCT + 1 : this.#seen.size
  }

  #see(value: number): void {
    if (!this.many && this.#seen.add(value).size > MOST_DISTINCT) this.#tooMany()
  }

  #tooMany(): void {
    this.many = true
    this.#seen.clear()
  }

  absorb(values: Float64Array, rows: number): void {
    for (let i = 0; i < rows; i++) {
      const value = values[i]!
      if (Number.isNaN(value)) {
        this.missing++
        continue
      }
      if (value < this.min) this.min = value
      if (value > this.max) this.max = value
      if (value !== Math.floor(value)) this.time = true
      this.#see(value)
    }
    this.rows += rows
  }
}
