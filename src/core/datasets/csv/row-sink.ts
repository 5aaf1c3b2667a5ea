import { UserError } from '../../../shared/errors.ts'
import { NumberColumn } from '../cells/number-column.ts'
import type { TableSink } from '../table/table.ts'
import type { Dialect } from './dialect.ts'
import type { RecordSink } from './records.ts'

/** What rows must be like. */
export type RowDialect = Pick<Dialect, 'decimal' | 'header' | 'names'>

/** Hands cells to their columns, refuses rows of another length than the first. */
export class RowSink implements RecordSink {
  readonly decimal: number
  readonly #sink: TableSink
  readonly #dialect: RowDialect
  readonly #path: string
  #skip: boolean
  numbers: (Float64Array | undefined)[] = []
  at: number

  /** @param header  the first record is the header */
  constructor(sink: TableSink, dialect: RowDialect, path: string, header = dialect.header) {
    this.#sink = sink
    this.at = sink.at
    this.#dialect = dialect
    this.#path = path
    this.decimal = dialect.decimal.charCodeAt(0)
    this.#skip = header
    if (!this.#skip) this.#begin()
  }

  /** The header has not come yet. */
  get waiting(): boolean {
    return this.#skip
  }

  cell(index: number, buffer: Uint8Array, start: number, end: number): void {
    if (!this.#skip) this.#sink.columns[index]?.cell(buffer, start, end, this.at, this.#sink.row)
  }

  end(cells: number, line: number): boolean {
    if (this.#skip) {
      this.#skip = false
      this.#begin()
      return true
    }
    const { names, header } = this.#dialect
    if (cells !== names.length) ragged(cells, names.length, this.#sink.row + 1, line, header, this.#path)
    const more = this.#sink.advance(1)
    this.at = this.#sink.at
    return more
  }

  #begin(): void {
    this.numbers = this.#sink.columns.map(column =>
      column instanceof NumberColumn && column.reading.decimal === this.#dialect.decimal
        ? column.current
        : undefined,
    )
  }
}

function ragged(
  cells: number,
  width: number,
  row: number,
  line: number,
  header: boolean,
  path: string,
): never {
  const expected = header ? `the header has ${width}` : `the first row has ${width}`
  throw new UserError('dataset/ragged-row', {
    message: `Row ${row} (line ${line}) has ${cells} cell${cells === 1 ? '' : 's'} where ${expected}.`,
    fix:
      cells > width
        ? 'Put quotes around cells that hold the separator, or remove what is too much in this row.'
        : 'Add the missing cells (they may be empty), or remove this row.',
    where: path,
  })
}
