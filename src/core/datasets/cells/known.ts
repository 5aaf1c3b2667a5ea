import { DateColumn } from './date-column.ts'
import { NumberColumn } from './number-column.ts'
import type { Reading } from './reading.ts'
import { TextColumn } from './text-column.ts'

export type KnownColumn = NumberColumn | TextColumn | DateColumn

/** @param mostTexts  that a column of texts lists */
export function columnFor(reading: Reading, mostTexts?: number): KnownColumn | undefined {
  switch (reading.kind) {
    case 'number':
      return new NumberColumn(reading.decimal)
    case 'date':
      return new DateColumn(reading.layout)
    case 'text':
      return new TextColumn(mostTexts)
    case 'nested':
      return undefined
  }
}
