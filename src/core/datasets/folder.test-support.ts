import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { readSafetensors } from '../training/index.ts'
import {
  type InspectOptions,
  inspect,
  type Prepared,
  type PreparedRows,
  type PreparedText,
  type PrepareOptions,
  prepare,
  type RowsInspection,
} from './index.ts'

/** A folder of its own for each test. */
export function testFolder() {
  let folder = ''
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gradstr-datasets-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))
  const path = (name: string) => join(folder, name)
  return {
    path,
    files: () => readdirSync(folder).sort(),
    write(name: string, content: string | Uint8Array): string {
      writeFileSync(path(name), content)
      return path(name)
    },
    prepare: (file: string, options: Partial<PrepareOptions> = {}): Promise<PreparedRows> =>
      prepareRows({ path: file, out: path('out'), shards: 2, seed: 1, ...options }),
    prepareText: (file: string, options: Partial<PrepareOptions> = {}): Promise<PreparedText> =>
      prepareTextFile({ path: file, out: path('out'), shards: 2, seed: 1, ...options }),
  }
}

/** Of a dataset that is no text. */
export async function inspectRows(path: string, options: InspectOptions = {}): Promise<RowsInspection> {
  const found = await inspect(path, options)
  if (found.format === 'text') throw new Error('this was taken for a text')
  return found
}

export async function prepareTextFile(options: PrepareOptions): Promise<PreparedText> {
  const prepared = await prepare(options)
  if (prepared.kind !== 'text') throw new Error('this was not taken for a text')
  return prepared
}

export async function prepareRows(options: PrepareOptions): Promise<PreparedRows> {
  const prepared = await prepare(options)
  if (prepared.kind === 'text') throw new Error('this was taken for a text')
  return prepared
}

export interface Part {
  x: ArrayLike<number>
  y: ArrayLike<number>
  rows: number
  inputs: number
}

export async function readPart(path: string): Promise<Part> {
  const tensors = await readSafetensors(path)
  const x = tensors.get('x')
  const y = tensors.get('y')
  if (!x || !y) throw new Error('a shard has x and y')
  if (typeof x.data[0] === 'bigint' || typeof y.data[0] === 'bigint')
    throw new Error('no 64-bit integers here')
  // Narrowed above, for the whole array at once.
  return {
    x: x.data as ArrayLike<number>,
    y: y.data as ArrayLike<number>,
    rows: x.shape[0]!,
    inputs: x.shape[1]!,
  }
}

/** Holdout first, then the shards. */
export const readAll = ({ holdout, shards }: Prepared): Promise<Part[]> =>
  Promise.all([holdout, ...shards.map(({ path }) => path)].map(readPart))

/** Rows as texts, to compare as sets. */
export function rowsOf({ x, y, rows, inputs }: Part): string[] {
  return Array.from({ length: rows }, (_, i) =>
    [...Array.from({ length: inputs }, (_, j) => x[i * inputs + j]), y[i]].join(' '),
  )
}
