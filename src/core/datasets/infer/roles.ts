import type { KnownColumn } from '../cells/known.ts'
import { NumberColumn } from '../cells/number-column.ts'
import { TextColumn } from '../cells/text-column.ts'
import type { Scanned } from '../table/scan.ts'
import type { ColumnReport, Role } from '../types.ts'

/** More different texts than this are names or prose, not categories. */
export const MOST_CATEGORIES = 100
const FEW_ROWS = 10
const ID_NAME = /^(id|idx|index|key|uuid|guid|row|row[_ ]?(id|nr|no|number)|unnamed.*|#|.*[_ -]id|.+Id|.+ID)$/

/** What each column is, but for the target, and why. Rows as scanned. */
export function reportColumns({ table, columns, rows }: Scanned): ColumnReport[] {
  return columns.map(({ name, reading, known }, c) => {
    const examples = [...new Set(table.head.map(row => row[c]?.trim() ?? '').filter(text => text !== ''))]
    const shown = examples.slice(0, 3).map(text => (text.length > 60 ? `${text.slice(0, 59)}…` : text))
    if (!known) {
      const type = reading.kind === 'nested' ? reading.type : 'unknown'
      const why = `Its cells hold lists or records (${type.slice(0, 60)}), which are not read.`
      return {
        name,
        type: 'nested',
        role: 'ignored',
        why,
        missing: 0,
        distinct: 0,
        distinctIsMinimum: false,
        examples: shown,
      }
    }
    const { distinct, distinctIsMinimum } = distinctOf(known)
    const [role, why] = roleOf(name, known, rows)
    return {
      name,
      type: typeOf(known),
      role,
      why,
      missing: known.missing,
      distinct,
      distinctIsMinimum,
      examples: shown,
    }
  })
}

function typeOf(known: KnownColumn): ColumnReport['type'] {
  if (known.missing === known.rows) return 'empty'
  if (known instanceof TextColumn) return 'text'
  if (known instanceof NumberColumn) return known.whole ? 'integer' : 'number'
  return 'date'
}

export function distinctOf(known: KnownColumn): { distinct: number; distinctIsMinimum: boolean } {
  if (known instanceof TextColumn)
    return { distinct: known.dictionary.values.length, distinctIsMinimum: known.dictionary.full }
  return { distinct: known.distinct, distinctIsMinimum: known.many }
}

function roleOf(name: string, known: KnownColumn, rows: number): [Role, string] {
  const { distinct, distinctIsMinimum } = distinctOf(known)
  const filled = known.rows - known.missing
  if (filled === 0) return ['ignored', 'All its cells are empty.']
  if (distinct === 1 && !distinctIsMinimum) return ['constant', 'Every row has the same value.']
  if (known instanceof NumberColumn) return numberRole(name, known, filled)
  if (known instanceof TextColumn) return textRole(name, known, filled, rows)
  return ['feature', 'Dates: day, place in the year and in the week become inputs.']
}

function numberRole(name: string, known: NumberColumn, filled: number): [Role, string] {
  if (known.whole && known.counting && known.missing === 0 && filled >= 3)
    return ['identifier', `It counts the rows from ${known.min} on.`]
  if (known.whole && ID_NAME.test(name) && (known.many || known.distinct === filled))
    return ['identifier', 'By its name and its many different whole numbers, it identifies rows.']
  return ['feature', 'Numbers.']
}

function textRole(name: string, known: TextColumn, filled: number, rows: number): [Role, string] {
  const { values, full } = known.dictionary
  const each = values.length === filled || (full && mostlyOnce(known))
  if (each && (rows >= FEW_ROWS || ID_NAME.test(name)))
    return ['identifier', 'Every row has another text: it identifies the row and tells nothing about others.']
  if (full || values.length > MOST_CATEGORIES) {
    const many = full ? `more than ${values.length.toLocaleString('en')}` : String(values.length)
    return [
      'ignored',
      `It has ${many} different texts: at most ${MOST_CATEGORIES} can be told apart as categories.`,
    ]
  }
  return ['feature', `Text with ${values.length} different values: categories.`]
}

/** When the dictionary is full: hardly a listed text came twice. */
function mostlyOnce({ counts }: TextColumn): boolean {
  return counts.filter(n => n === 1).length > counts.length * 0.98
}
