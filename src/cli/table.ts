import { stripVTControlCharacters } from 'node:util'

export interface Column {
  title: string
  align?: 'left' | 'right'
}

const widthOf = (cell: string): number => [...stripVTControlCharacters(cell)].length

/**
 * Lines of an aligned table, two spaces between columns, none at the end of a line. Cells may hold colours.
 * @param columns  titles are left out when all are empty
 */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const titles = columns.map(column => column.title)
  const all = titles.some(title => title !== '') ? [titles, ...rows] : [...rows]
  const widths = columns.map((_, i) => Math.max(...all.map(row => widthOf(row[i] ?? '')), 0))
  return all.map(row =>
    columns
      .map(({ align }, i) => {
        const cell = row[i] ?? ''
        const space = ' '.repeat(Math.max(0, (widths[i] ?? 0) - widthOf(cell)))
        return align === 'right' ? space + cell : cell + space
      })
      .join('  ')
      .trimEnd(),
  )
}
