import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../shared/errors.ts'
import { openSession, runSession, type Session, type SessionOptions } from '../training/index.ts'
import { CONFIG, FILES, type ModelConfig, modelConfig } from './config.ts'
import { type Images, imageFeeds, type Row, rowFeeds } from './feeds.ts'
import { isModelConfig } from './folder.ts'
import { type Prediction, predictions } from './predictions.ts'

export interface OpenModel {
  config: ModelConfig
  /**
   * @param first  number of the first row in its file, for messages; 1 when left out
   * @throws UserError `models/missing-column`, `models/not-a-number`, `models/not-a-date`
   */
  predict(rows: readonly Row[], first?: number): Promise<Prediction[]>
  /** @throws UserError `models/image-size` */
  predictImages(images: Images): Promise<Prediction[]>
  close(): Promise<void>
}

/**
 * Opens a model folder in this process; the worker's, as the engine blocks its thread.
 * @throws UserError `models/not-a-model`, `models/damaged`, `models/version`
 */
export async function openModel(folder: string, options: SessionOptions = {}): Promise<OpenModel> {
  const config = await readConfig(folder)
  const session = await openSession(await readChecked(folder, FILES.onnx, config), options)
  return {
    config,
    async predict(rows, first = 1) {
      return rows.length === 0 ? [] : ask(session, config, rowFeeds(config, rows, first))
    },
    async predictImages(images) {
      return images.count === 0 ? [] : ask(session, config, imageFeeds(config, images))
    },
    close: () => session.release(),
  }
}

async function ask(session: Session, config: ModelConfig, feeds: ReturnType<typeof rowFeeds>) {
  return predictions(config, await runSession(session, feeds))
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
