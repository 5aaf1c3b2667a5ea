import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../../shared/errors.ts'
import { readTokenizer, type Tokenizer } from '../../tokenizers/index.ts'
import type { TextArchitecture } from '../../training/index.ts'
import { CONFIG } from '../config.ts'
import { fingerprint } from '../folder.ts'
import { architectureOf, type FileHashes, TEXT_FILES, type TextConfig, textConfig } from './config.ts'

/** The parts of a language model's folder besides its weights. */
export interface TextFolder {
  config: TextConfig
  architecture: TextArchitecture
  tokenizer: Tokenizer
}

/**
 * A folder in Hugging Face's layout, ours or another's.
 * @throws UserError `models/unsupported`, `models/damaged`, `models/tokenizer`, `tokenizer/…`
 */
export async function readTextFolder(folder: string): Promise<TextFolder> {
  const config = checkedConfig(await readJson(join(folder, CONFIG)), folder)
  await checkFiles(folder, config.gradstr?.files ?? {})
  const architecture = architectureOf(config)
  const tokenizer = await readTokenizer(join(folder, TEXT_FILES.tokenizer))
  checkTokenizer(tokenizer, architecture, folder)
  return { config, architecture, tokenizer }
}

/** What a JSON file holds; undefined when it cannot be read. */
export async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function checkedConfig(json: unknown, folder: string): TextConfig {
  const config = textConfig.safeParse(json)
  if (config.success) return config.data
  const [issue] = config.error.issues
  throw new UserError('models/unsupported', {
    message: `This model cannot be used: "${issue?.path.join('.')}" in its config.json: ${issue?.message}.`,
    fix: 'Give a folder that `gradstr train-local` wrote, or one of a GPT-2 or Llama in Hugging Face’s layout.',
    where: folder,
  })
}

/** @throws UserError `models/damaged` when a file is not the one that was written; the card may be edited */
export async function checkFiles(folder: string, files: FileHashes): Promise<void> {
  for (const [name, { sha256 }] of Object.entries(files)) {
    const found = await fingerprint(join(folder, name)).catch(() => undefined)
    if (name === TEXT_FILES.card || found?.sha256 === sha256) continue
    throw new UserError('models/damaged', {
      message: `The model is damaged: "${name}" ${found ? 'is not what was written' : 'is missing'}.`,
      fix: 'Copy the folder again from where it came from, or train again.',
      where: folder,
    })
  }
}

/** @throws UserError `models/tokenizer` when it has tokens that the model does not know */
export function checkTokenizer({ size }: Tokenizer, { model }: TextArchitecture, where: string): void {
  if (size <= model.vocabulary) return
  throw new UserError('models/tokenizer', {
    message: `The tokenizer has ${size} tokens, the model knows ${model.vocabulary}: they do not belong together.`,
    fix: 'Put the tokenizer.json that came with the model into its folder.',
    where,
  })
}
