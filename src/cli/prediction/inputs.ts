import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { mnistTestImages } from '../../core/datasets/index.ts'
import { UserError } from '../../shared/errors.ts'

interface InputFiles {
  paths: { path: string; name: string }[]
  /** Removes what was written for this one question. */
  remove(): void
}

/**
 * Files as they are, and by the word `mnist` its test images; COLUMN=VALUE pairs as one row in a temporary file, so that
 * all are read in the same way.
 * @throws UserError `usage/mixed-input`, `usage/repeated-column`, `dataset/mnist-missing`
 */
export function inputFiles(inputs: readonly string[], cwd: string): InputFiles {
  const isPair = (text: string) => text.indexOf('=') > 0 && !existsSync(resolve(cwd, text))
  const pairs = inputs.filter(isPair)
  if (pairs.length === 0)
    return { paths: inputs.map(name => ({ path: placeOf(name, cwd), name })), remove: () => undefined }
  if (pairs.length < inputs.length) throw mixed(inputs.find(text => !isPair(text)) ?? '')
  const folder = mkdtempSync(join(tmpdir(), 'gradstr-predict-'))
  const path = join(folder, 'row.jsonl')
  writeFileSync(path, `${JSON.stringify(rowOf(pairs))}\n`, { mode: 0o600 })
  return { paths: [{ path, name: 'row' }], remove: () => rmSync(folder, { recursive: true, force: true }) }
}

function placeOf(name: string, cwd: string): string {
  const path = resolve(cwd, name)
  return name === 'mnist' && !existsSync(path) ? mnistTestImages() : path
}

function rowOf(pairs: readonly string[]): Record<string, string | number | null> {
  const row = new Map<string, string | number | null>()
  for (const pair of pairs) {
    const column = pair.slice(0, pair.indexOf('='))
    if (row.has(column)) throw repeated(column)
    row.set(column, cellOf(pair.slice(column.length + 1)))
  }
  return Object.fromEntries(row)
}

/** As a table's cell: empty is missing, a plain number is one. */
const cellOf = (text: string): string | number | null => {
  const cell = text.trim()
  if (cell === '') return null
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(cell) && !/^[+-]?0\d/.test(cell) ? Number(cell) : cell
}

const mixed = (other: string): UserError =>
  new UserError('usage/mixed-input', {
    message: `"${other}" is not COLUMN=VALUE like the other inputs.`,
    fix: 'Give files, or the COLUMN=VALUE pairs of one row, not both.',
  })

const repeated = (column: string): UserError =>
  new UserError('usage/repeated-column', {
    message: `The column "${column}" is given twice.`,
    fix: 'Give each column once. Several rows go into a file.',
  })
