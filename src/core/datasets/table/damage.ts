import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { UserError } from '../../../shared/errors.ts'

/** What DuckDB found, in our words: its own speak of SQL which nobody here wrote. */
export async function damageOf(error: unknown, path: string, format: 'parquet' | 'jsonl'): Promise<unknown> {
  if (error instanceof UserError || (error instanceof DOMException && error.name === 'AbortError'))
    return error
  if (format === 'parquet') {
    return new UserError('dataset/parquet', {
      message: 'This Parquet file is damaged, cut off, or uses a feature that cannot be read.',
      fix: 'Write it again, e.g. with pandas or DuckDB, or export the table as CSV.',
      where: path,
      cause: error,
    })
  }
  const line = await firstBadLine(path)
  return new UserError('dataset/jsonl', {
    message:
      line === undefined ? 'This is not a file of JSON objects.' : `Line ${line} is not a JSON object.`,
    fix: 'Each line must hold one JSON object, e.g. {"age": 41, "city": "Oslo"}.',
    where: path,
    cause: error,
  })
}

async function firstBadLine(path: string): Promise<number | undefined> {
  const input = createReadStream(path)
  let number = 0
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      number++
      if (line.trim() !== '' && !isObject(line)) return number
    }
    return undefined
  } finally {
    input.destroy()
  }
}

function isObject(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}
