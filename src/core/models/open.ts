import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../shared/errors.ts'
import { type Encoding, encoding as encodingSchema, type Row } from '../datasets/index.ts'
import { openSession, runSession, type SessionOptions } from '../training/index.ts'
import { CONFIG, FILES, type ModelConfig, modelConfig } from './config.ts'
import { type Column, columnsOf, feedsOf, imageColumn } from './feeds.ts'
import { isModelConfig } from './folder.ts'
import { type Prediction, predictions } from './predictions.ts'

export interface OpenModel {
  config: ModelConfig
  encoding: Encoding
  /** @throws UserError `models/missing-column`, `dataset/row-value` with row and column */
  predict(rows: readonly Row[]): Promise<Prediction[]>
  /** @param pixels  whole images, one after another, `[height, width]` bytes each, of colours `[height, width, 3]` */
  predictImages(pixels: Uint8Array): Promise<Prediction[]>
  close(): Promise<void>
}

/** Rows per call of the engine: bounds memory where a text column becomes a thousand inputs. */
const CHUNK = 4096

/**
 * Opens a model folder in this process; the worker's, as the engine blocks its thread.
 * @throws UserError `models/not-a-model`, `models/damaged`, `models/version`
 */
export async function openModel(folder: string, options: SessionOptions = {}): Promise<OpenModel> {
  const config = await readConfig(folder)
  const encoding = await readStored(folder, config)
  const session = await openSession(await readChecked(folder, FILES.onnx, config), options)
  const ask = async (columns: readonly Column[], rows: number): Promise<Prediction[]> => {
    const answers: Prediction[] = []
    for (let from = 0; from < rows; from += CHUNK) {
      const feeds = feedsOf(columns, from, Math.min(rows, from + CHUNK))
      for (const answer of predictions(config, await runSession(session, feeds))) answers.push(answer)
    }
    return answers
  }
  return {
    config,
    encoding,
    predict: async rows =>
      rows.length === 0 ? [] : ask(columnsOf(encoding, config.inputs, rows), rows.length),
    async predictImages(pixels) {
      const { column, count } = imageColumn(config.inputs, pixels)
      return ask([column], count)
    },
    close: () => session.release(),
  }
}

/** @throws UserError `models/not-a-model`, `models/damaged`, `models/version` */
export async function readConfig(folder: string): Promise<ModelConfig> {
  const text = await readFile(join(folder, CONFIG), 'utf8').catch(() => undefined)
  if (text === undefined) throw notAModel(folder)
  const json = parsed(text)
  if (json === undefined) throw damaged(folder, CONFIG, 'it is not JSON any more')
  if (!isModelConfig(json)) throw notAModel(folder)
  const config = modelConfig.safeParse(json)
  if (config.success) return config.data
  const [issue] = config.error.issues
  const field = issue?.path.join('.') ?? ''
  if (field === 'version') throw newer(folder)
  throw damaged(folder, CONFIG, `"${field}": ${issue?.message}`)
}

async function readStored(folder: string, config: ModelConfig): Promise<Encoding> {
  const json = parsed(new TextDecoder().decode(await readChecked(folder, FILES.encoding, config)))
  const stored = encodingSchema.safeParse(json)
  if (stored.success) return stored.data
  throw damaged(folder, FILES.encoding, 'it does not say how rows become inputs')
}

/** A file of the folder, whole, if its hash is the one in config.json. */
async function readChecked(folder: string, name: string, config: ModelConfig): Promise<Uint8Array> {
  const bytes = await readFile(join(folder, name)).catch(() => undefined)
  if (!bytes) throw damaged(folder, name, 'it is missing')
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  if (sha256 !== config.files[name]?.sha256)
    throw damaged(folder, name, 'its content is not what was written when the model was made')
  return bytes
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const notAModel = (folder: string): UserError =>
  new UserError('models/not-a-model', {
    message: `"${folder}" is not the folder of a Gradstr model: it holds no config.json of one.`,
    fix: 'Give the folder that `gradstr train` wrote (--out). It holds config.json and model.onnx.',
    where: folder,
  })

const damaged = (folder: string, file: string, why: string): UserError =>
  new UserError('models/damaged', {
    message: `The file ${file} of this model is damaged: ${why}.`,
    fix: 'Copy the whole folder again from where it was made, or train the model again.',
    where: join(folder, file),
  })

const newer = (folder: string): UserError =>
  new UserError('models/version', {
    message: 'This model was made by a newer version of Gradstr.',
    fix: 'Update Gradstr. model.onnx itself can be used with onnxruntime, as the README.md in the folder shows.',
    where: folder,
  })
