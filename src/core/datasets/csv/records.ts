import { isUtf8 } from 'node:buffer'
import { UserError } from '../../../shared/errors.ts'
import { numberAt } from './number-at.ts'

/** A record longer than this is a mistake, e.g. a quote that is never closed. */
export const MOST_RECORD = 1024 * 1024
const QUOTE = 0x22
const NEWLINE = 0x0a
const RETURN = 0x0d

export interface RecordSink {
  /** Columns of plain numbers by their index: such cells are written there, into row `at`, instead of given out. */
  readonly numbers: readonly (Float64Array | undefined)[]
  readonly at: number
  /** The byte of the decimal mark in those columns. */
  readonly decimal: number
  /** Cell `index` of the record, UTF-8 at [start, end) of `buffer`, quotes taken off. Valid during the call. */
  cell(index: number, buffer: Uint8Array, start: number, end: number): void
  /** The record is complete. @param line  where it begins, from 1 @returns false to stop */
  end(cells: number, line: number): boolean
}

/** Told to the caller who assumed UTF-8 from the file's beginning. */
export class NotUtf8 extends Error {}

/**
 * Splits text into records and cells (RFC 4180: quotes double inside quotes, and may hold separators and line ends).
 * Empty lines are skipped. Bytes are looked at once; no strings are made. A cell can be offered again when its record
 * was cut by the end of a piece; `end` comes once.
 * @param separator  one byte
 * @param newline  the byte that ends a line: LF, or CR in files of old Macs
 * @throws UserError `dataset/row-too-long`, `dataset/quote-open`; NotUtf8
 */
export class RecordReader {
  readonly #sink: RecordSink
  readonly #separator: number
  readonly #newline: number
  readonly #path: string
  #work = new Uint8Array(MOST_RECORD)
  #held = 0
  #scratch = new Uint8Array(4096)
  #line: number
  #stopped = false
  #openQuote = false

  /** @param line  of the file, from 1, where what is pushed begins */
  constructor(sink: RecordSink, separator: string, newline: 'lf' | 'cr', path: string, line = 1) {
    this.#sink = sink
    this.#separator = separator.charCodeAt(0)
    this.#newline = newline === 'lf' ? NEWLINE : RETURN
    this.#path = path
    this.#line = line
  }

  /** Line of the next record. */
  get line(): number {
    return this.#line
  }

  /** Whether what was pushed ended within a record. */
  get within(): boolean {
    return this.#held > 0
  }

  /** @returns false when the sink wants no more */
  push(piece: Uint8Array): boolean {
    const size = this.#held + piece.length
    if (size + 2 > this.#work.length) {
      const work = new Uint8Array(size + 2)
      work.set(this.#work.subarray(0, this.#held))
      this.#work = work
    }
    this.#work.set(piece, this.#held)
    const done = this.#scan(size)
    this.#keep(done, size)
    return !this.#stopped
  }

  finish(): void {
    if (this.#stopped || this.#held === 0) return
    const size = this.#held
    this.#work[size] = this.#newline
    const done = this.#scan(size + 1)
    if (done <= size && !this.#stopped && this.#openQuote) {
      throw new UserError('dataset/quote-open', {
        message: `In the row on line ${this.#line} a quote opens that is never closed.`,
        fix: 'Close the quote, or double quotes that belong to the text ("").',
        where: this.#path,
      })
    }
  }

  #keep(done: number, size: number): void {
    if (done > 0 && !isUtf8(this.#work.subarray(0, done))) throw new NotUtf8()
    this.#work.copyWithin(0, done, size)
    this.#held = size - done
    if (this.#held > MOST_RECORD && !this.#stopped) this.#tooLong()
  }

  #tooLong(): never {
    throw new UserError('dataset/row-too-long', {
      message: `The row on line ${this.#line} is longer than ${MOST_RECORD / 1024 / 1024} MB.`,
      fix: 'Look at the quotes in this row: one that is never closed swallows the rest of a file. Or leave columns that hold whole documents or images out of the table.',
      where: this.#path,
    })
  }

  /** @returns where the first incomplete record begins */
  #scan(to: number): number {
    const buffer = this.#work
    const sink = this.#sink
    const separator = this.#separator
    const newline = this.#newline
    buffer[to] = newline // a guard, so that loops over a cell need not look for the end of the buffer
    let begin = 0
    let index = 0
    const { decimal } = sink
    let { numbers, at } = sink
    this.#openQuote = false
    for (let i = 0; i < to; ) {
      if (index === 0 && (buffer[i] === newline || (buffer[i] === RETURN && buffer[i + 1] === newline))) {
        i += buffer[i] === newline ? 1 : 2
        if (i > to) return begin
        this.#line++
        begin = i
        continue
      }
      const column = numbers[index]
      let end = column ? numberAt(buffer, i, column, at, separator, newline, decimal) : -1
      if (end < 0) {
        end = buffer[i] === QUOTE ? this.#quoted(index, i, to) : this.#plain(index, i, to)
        if (end < 0) return begin
      }
      index++
      i = end + 1
      if (buffer[end] !== newline) continue
      if (end >= to) return begin
      if (!this.#complete(index, begin, i)) return i
      numbers = sink.numbers
      at = sink.at
      begin = i
      index = 0
    }
    return begin
  }

  #plain(index: number, start: number, to: number): number {
    const buffer = this.#work
    let end = start
    while (buffer[end] !== this.#separator && buffer[end] !== this.#newline) end++
    if (end >= to) return -1
    const cut = buffer[end] === this.#newline && end > start && buffer[end - 1] === RETURN
    this.#sink.cell(index, buffer, start, cut ? end - 1 : end)
    return end
  }

  #complete(cells: number, begin: number, end: number): boolean {
    // However the pieces were cut.
    if (end - begin - 1 > MOST_RECORD) this.#tooLong()
    const line = this.#line
    this.#line++
    if (this.#quotedLines > 0) {
      // Lines inside quotes: counted again, since the record may have been scanned twice.
      for (let i = begin; i < end - 1; i++) if (this.#work[i] === this.#newline) this.#line++
      this.#quotedLines = 0
    }
    this.#stopped = !this.#sink.end(cells, line)
    return !this.#stopped
  }
  #quotedLines = 0

  /** A cell that begins with a quote at `open`. @returns the place of the byte that ends it, −1 when it is incomplete */
  #quoted(index: number, open: number, to: number): number {
    const buffer = this.#work
    let i = open + 1
    let doubled = false
    for (;;) {
      while (i < to && buffer[i] !== QUOTE) if (buffer[i++] === this.#newline) this.#quotedLines = 1
      if (i >= to) return this.#incomplete()
      if (i + 1 < to && buffer[i + 1] === QUOTE) {
        doubled = true
        i += 2
      } else break
    }
    let end = i + 1
    while (end < to && buffer[end] !== this.#separator && buffer[end] !== this.#newline) end++
    if (end >= to) return this.#incomplete(false)
    const trailing = end - i - 1 - (buffer[end - 1] === RETURN && buffer[end] === this.#newline ? 1 : 0)
    if (!doubled && trailing === 0) this.#sink.cell(index, buffer, open + 1, i)
    else this.#unquote(index, open + 1, i, trailing)
    return end
  }

  #incomplete(open = true): number {
    this.#openQuote = open
    return -1
  }

  /** Halves doubled quotes; text after the closing quote, which should not be there, belongs to the cell. */
  #unquote(index: number, start: number, close: number, trailing: number): void {
    const buffer = this.#work
    const most = close - start + trailing
    if (this.#scratch.length < most) this.#scratch = new Uint8Array(most * 2)
    let size = 0
    for (let i = start; i < close; i++) {
      const byte = buffer[i]!
      this.#scratch[size++] = byte
      if (byte === QUOTE) i++
    }
    for (let i = 0; i < trailing; i++) this.#scratch[size++] = buffer[close + 1 + i]!
    this.#sink.cell(index, this.#scratch, 0, size)
  }
}
