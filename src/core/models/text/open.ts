import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../../shared/errors.ts'
import { readTokenizer, type TokenDecoder, type Tokenizer } from '../../tokenizers/index.ts'
import {
  type GenerateRequest,
  generate,
  Reader,
  type ReaderOptions,
  readPretrained,
  type TextArchitecture,
} from '../../training/index.ts'
import { CONFIG } from '../config.ts'
import { fingerprint } from '../folder.ts'
import { chatTokens, type Message, promptTokens, tooLong } from './chat.ts'
import { architectureOf, TEXT_FILES, type TextConfig, textConfig } from './config.ts'

export type Prompt = { text: string } | { messages: readonly Message[] }
export interface TextRequest extends Omit<GenerateRequest, 'prompt' | 'stops'> {
  prompt: Prompt
  /** Called for each token, also where it completes no character yet. */
  onToken?: () => void
}

/** A language model's folder, open in this process; the worker's, as the engine blocks its thread. */
export interface OpenTextModel {
  architecture: TextArchitecture
  tokenizer: Tokenizer
  /**
   * Goes on with a text or answers a conversation, piece by piece. Ends before any special token: an end of text, of a turn,
   * or somebody else's beginning.
   * @throws UserError `generate/…`, `tokenizer/unknown-character`, `training/engine`
   */
  write(request: TextRequest): AsyncGenerator<string>
  close(): Promise<void>
}

/** Whether a folder's config.json is that of a language model in Hugging Face's layout. */
export async function isTextModel(folder: string): Promise<boolean> {
  const json = await readJson(folder)
  return typeof json === 'object' && json !== null && 'model_type' in json
}

/** @throws UserError `models/not-a-model`, `models/unsupported`, `models/damaged`, `models/tokenizer`, `training/weights` */
export async function openTextModel(folder: string, options: ReaderOptions = {}): Promise<OpenTextModel> {
  const config = checkedConfig(await readJson(folder), folder)
  await checkFiles(folder, config)
  const architecture = architectureOf(config)
  const tokenizer = await readTokenizer(join(folder, TEXT_FILES.tokenizer))
  if (tokenizer.size > architecture.model.vocabulary) throw unfit(tokenizer.size, architecture, folder)
  const weights = await readPretrained(architecture, folder)
  const reader = new Reader(architecture, weights, options)
  return {
    architecture,
    tokenizer,
    write: request => written(reader, architecture, tokenizer, request),
    close: () => reader.close(),
  }
}

async function* written(
  reader: Reader,
  { model }: TextArchitecture,
  tokenizer: Tokenizer,
  { prompt, onToken, ...options }: TextRequest,
): AsyncGenerator<string> {
  const tokens =
    'text' in prompt
      ? promptTokens(tokenizer, prompt.text)
      : chatTokens(tokenizer, prompt.messages, model.context)
  if (tokens.length === 0) throw nothing()
  if (tokens.length > model.context) throw tooLong(tokens.length, model.context)
  const stops = new Set([...tokenizer.special.values(), ...unknown(tokenizer.size, model.vocabulary)])
  const decoder: TokenDecoder = tokenizer.decoder({ continues: true })
  reader.restart()
  for await (const token of generate(reader, { ...options, prompt: tokens, stops })) {
    onToken?.()
    const text = decoder.push(token)
    if (text !== '') yield text
  }
  const rest = decoder.end()
  if (rest !== '') yield rest
}

/** Models may have more logits than their tokenizer has tokens. */
const unknown = (size: number, vocabulary: number): number[] =>
  Array.from({ length: vocabulary - size }, (_, i) => size + i)

async function readJson(folder: string): Promise<unknown> {
  const text = await readFile(join(folder, CONFIG), 'utf8').catch(() => undefined)
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
    fix: 'Give a folder that `gradstr train-local` wrote, or one of a GPT-2 in Hugging Face’s layout.',
    where: folder,
  })
}

async function checkFiles(folder: string, { gradstr }: TextConfig): Promise<void> {
  for (const [name, { sha256 }] of Object.entries(gradstr?.files ?? {})) {
    const found = await fingerprint(join(folder, name)).catch(() => undefined)
    if (name === TEXT_FILES.card || found?.sha256 === sha256) continue
    throw new UserError('models/damaged', {
      message: `The model is damaged: "${name}" ${found ? 'is not what was written' : 'is missing'}.`,
      fix: 'Copy the folder again from where it came from, or train again.',
      where: folder,
    })
  }
}

const unfit = (size: number, { model }: TextArchitecture, where: string): UserError =>
  new UserError('models/tokenizer', {
    message: `The tokenizer has ${size} tokens, the model knows ${model.vocabulary}: they do not belong together.`,
    fix: 'Put the tokenizer.json that came with the model into its folder.',
    where,
  })

const nothing = (): UserError =>
  new UserError('generate/empty', {
    message: 'There is no text to go on with.',
    fix: 'Give the beginning of a text.',
  })
