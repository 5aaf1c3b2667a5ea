import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Row, Setting } from './simulation.ts'

/** What a simulation of hours has so far. A round counts from the moment its row is written. */
export interface Kept {
  readonly rows: readonly Row[]
  /** The file of the weights after so many rounds. */
  weights(rounds: number): string
  add(row: Row): void
}

/** @throws Error when the folder holds rounds of another setting, which these could not follow */
export function keptIn(folder: string, { most: _, workers: __, ...setting }: Setting): Kept {
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'rounds.json')
  const weights = (rounds: number) => join(folder, `weights-${rounds}.safetensors`)
  const of = JSON.stringify(setting)
  const rows: Row[] = []
  if (existsSync(file)) {
    const before = JSON.parse(readFileSync(file, 'utf8')) as { of: string; rows: Row[] } // written below
    if (before.of !== of) throw new Error(`${folder} holds rounds of ${before.of}: choose another folder`)
    rows.push(...before.rows)
  }
  const add = (row: Row) => {
    rows.push(row)
    writeFileSync(`${file}.new`, JSON.stringify({ of, rows }))
    renameSync(`${file}.new`, file)
    rmSync(weights(rows.length - 1), { force: true })
  }
  return { rows, weights, add }
}
