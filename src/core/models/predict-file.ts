import { randomUUID } from 'node:crypto'
import { rename, rm, writeFile } from 'node:fs/promises'
import { type Encoding, type Row, readImages, readRows } from '../datasets/index.ts'
import { type AnswerFormat, answerLines } from './answer-rows.ts'
import { type OpenModel, openModel } from './open.ts'
import type { Prediction } from './predictions.ts'

export interface PredictFileOptions {
  /** A model folder. */
  model: string
  /** A table with the columns of the training data, or a file of IDX images. */
  input: string
  /** For the rows with their answers; written whole or not at all. */
  out: string
  format: AnswerFormat
  threads?: number
  signal?: AbortSignal
}

export interface PredictedFile {
  rows: number
  target: string
  task: 'classification' | 'regression'
  /** Of the first rows. */
  first: Prediction[]
}

const SHOWN = 20

/** Answers for every row of a file. @throws UserError `models/…`, `dataset/…` */
export async function predictFile(options: PredictFileOptions): Promise<PredictedFile> {
  const { out, format, signal } = options
  const model = await openModel(options.model, { threads: options.threads })
  try {
    const { asked, answers } = await ask(model, options.input)
    signal?.throwIfAborted()
    await writeWhole(out, answerLines(format, model.config, asked, answers))
    const { target, task } = model.config
    return { rows: answers.length, target, task, first: answers.slice(0, SHOWN) }
  } finally {
    await model.close()
  }
}

async function ask(model: OpenModel, input: string): Promise<{ asked: Row[]; answers: Prediction[] }> {
  const encoding: Encoding = model.encoding
  if (encoding.kind === 'table') {
    const asked = await readRows(input)
    return { asked, answers: await model.predict(asked) }
  }
  const { rows, x } = await readImages(input, encoding)
  const asked = Array.from({ length: rows }, (_, i) => ({ image: i + 1 }))
  return { asked, answers: await model.predictImages(x) }
}

async function writeWhole(path: string, lines: Iterable<string>): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    await writeFile(temporary, lines)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
