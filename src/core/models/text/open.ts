import { join } from 'node:path'
import { UserError } from '../../../shared/errors.ts'
import { END_OF_TURN, type TokenDecoder, type Tokenizer } from '../../tokenizers/index.ts'
import {
  type GenerateRequest,
  generate,
  Reader,
  type ReaderOptions,
  readPretrained,
  type TextArchitecture,
} from '../../training/index.ts'
import { CONFIG } from '../config.ts'
import { type AdaptedModel, isAdapter, openAdapted } from './adapter.ts'
import { chatTokens, type Message, promptTokens, type Speaker, tooLong, untilEndOfTurn } from './chat.ts'
import { readJson, readTextFolder } from './folder.ts'

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

export interface OpenTextOptions extends ReaderOptions {
  /** Of an adapter: where its base lies now, when it is not where the adapter says. */
  base?: string
}

/** Whether a folder holds a language model in Hugging Face's layout, or an adapter of one in PEFT's. */
export async function isTextModel(folder: string): Promise<boolean> {
  const json = await readJson(join(folder, CONFIG))
  return (typeof json === 'object' && json !== null && 'model_type' in json) || isAdapter(folder)
}

/**
 * @throws UserError `models/unsupported`, `models/damaged`, `models/tokenizer`, `models/adapter-base`, `training/weights`
 */
export async function openTextModel(folder: string, options: OpenTextOptions = {}): Promise<OpenTextModel> {
  const model = (await isAdapter(folder)) ? await openAdapted(folder, options.base) : await openWhole(folder)
  const { architecture, tokenizer, weights } = model
  const reader = new Reader(architecture, weights, options)
  return {
    architecture,
    tokenizer,
    write: request => written(reader, architecture, model, request),
    close: () => reader.close(),
  }
}

async function openWhole(folder: string): Promise<AdaptedModel> {
  const { config, architecture, tokenizer } = await readTextFolder(folder)
  const weights = await readPretrained(architecture, folder)
  return { architecture, tokenizer, weights, layout: config.gradstr?.layout }
}

function written(
  reader: Reader,
  { model }: TextArchitecture,
  speaker: Speaker,
  { prompt, onToken, ...options }: TextRequest,
): AsyncGenerator<string> {
  const { tokenizer } = speaker
  const chat = 'messages' in prompt
  const tokens = chat
    ? chatTokens(speaker, prompt.messages, model.context)
    : promptTokens(tokenizer, prompt.text)
  if (tokens.length === 0) throw nothing()
  if (tokens.length > model.context) throw tooLong(tokens.length, model.context)
  const stops = new Set([...tokenizer.special.values(), ...unknown(tokenizer.size, model.vocabulary)])
  const pieces = decoded(reader, tokenizer, { ...options, prompt: tokens, stops }, onToken)
  return chat && !tokenizer.special.has(END_OF_TURN) ? untilEndOfTurn(pieces) : pieces
}

async function* decoded(
  reader: Reader,
  tokenizer: Tokenizer,
  { prompt, ...options }: GenerateRequest & { prompt: number[] },
  onToken?: () => void,
): AsyncGenerator<string> {
  const decoder: TokenDecoder = tokenizer.decoder({ continues: true })
  // A conversation goes on from what was said before.
  const unread = prompt.slice(reader.begin(prompt))
  for await (const token of generate(reader, { ...options, prompt: unread })) {
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

const nothing = (): UserError =>
  new UserError('generate/empty', {
    message: 'There is no text to go on with.',
    fix: 'Give the beginning of a text.',
  })
