import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../../shared/errors.ts'
import { BpeTokenizer } from '../bpe/tokenizer.ts'
import { VocabularyError, vocabularyOf } from '../bpe/vocabulary.ts'
import { CharacterTokenizer } from '../characters.ts'
import type { Tokenizer } from '../types.ts'
import { type TokenizerFile, tokenizerFile } from './schema.ts'
import { spellingOf } from './spelling-of.ts'
import { shown, unsupported } from './unsupported.ts'

/** The largest published one has 33 MB. */
const MOST_BYTES = 128 * 1024 * 1024

/**
 * @param path  a tokenizer.json, or a folder (as Hugging Face's models are) that holds one
 * @throws UserError `tokenizer/not-found`, `tokenizer/broken`, `tokenizer/unsupported`
 */
export async function readTokenizer(path: string): Promise<Tokenizer> {
  const found = await stat(path).catch(() => undefined)
  const file = found?.isDirectory() ? join(path, 'tokenizer.json') : path
  const size = found?.isDirectory() ? (await stat(file).catch(() => undefined))?.size : found?.size
  if (size === undefined) {
    throw new UserError('tokenizer/not-found', {
      message: 'There is no tokenizer.json here.',
      fix: 'Give the path of a tokenizer.json, or of the model folder that holds one.',
      where: path,
    })
  }
  if (size > MOST_BYTES) throw broken(`it has ${size} bytes, more than any tokenizer`, file)
  return tokenizerFrom(json(await readFile(file, 'utf8'), file), file)
}

function json(text: string, where: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw broken('it is no JSON', where, cause)
  }
}

/**
 * @param source  the content of a tokenizer.json, from anywhere
 * @param where  its path, for errors
 * @throws UserError `tokenizer/broken`, `tokenizer/unsupported`
 */
export function tokenizerFrom(source: unknown, where = 'tokenizer.json'): Tokenizer {
  const type = modelType(source)
  if (type !== undefined && type !== 'BPE') throw unsupported(`a model of the type ${shown(type)}`, where)
  const parsed = tokenizerFile.safeParse(source)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw broken(`${issue?.path.join('.')}: ${issue?.message}`, where, parsed.error)
  }
  try {
    return tokenizerOf(parsed.data)
  } catch (error) {
    if (error instanceof VocabularyError) throw broken(error.message, where, error)
    if (error instanceof UserError && error.where === undefined)
      throw new UserError(error.code, { message: error.message, fix: error.fix, where, cause: error })
    throw error
  }
}

/** Other models have other fields: their name says more than the first field that is missing. */
function modelType(source: unknown): unknown {
  if (typeof source !== 'object' || source === null || !('model' in source)) return undefined
  const { model } = source
  return typeof model === 'object' && model !== null && 'type' in model ? model.type : undefined
}

function tokenizerOf(file: TokenizerFile): Tokenizer {
  refuseUncommon(file)
  const named = new Map(Object.entries(file.model.vocab))
  const special = specialOf(file, named)
  const merges = file.model.merges.map(mergeOf)
  if (isCharacters(file)) {
    for (const name of special.keys()) named.delete(name)
    checkCharacters(named)
    return new CharacterTokenizer(named, special, file)
  }
  const spelling = spellingOf(file)
  const vocabulary = vocabularyOf(named, merges, special, spelling)
  return new BpeTokenizer({
    vocabulary,
    spelling,
    special,
    ignoreMerges: file.model.ignore_merges === true,
    file,
  })
}

function refuseUncommon({ model }: TokenizerFile): void {
  if (model.dropout) throw unsupported('"dropout" (merges left out at random)')
  if (model.continuing_subword_prefix)
    throw unsupported(`"continuing_subword_prefix" ${shown(model.continuing_subword_prefix)}`)
  if (model.end_of_word_suffix) throw unsupported(`"end_of_word_suffix" ${shown(model.end_of_word_suffix)}`)
}

/**
 * Added tokens stand for no text with us. Those that other programs make of ordinary text (runs of spaces in GPT-NeoX)
 * would give the model other tokens than it was trained on.
 */
function specialOf({ added_tokens }: TokenizerFile, named: ReadonlyMap<string, number>): Map<string, number> {
  const special = new Map<string, number>()
  for (const { id, content, special: isSpecial } of added_tokens) {
    if (!isSpecial && !/^[<[].*[>\]]$/s.test(content))
      throw unsupported(`the added token ${shown(content)}, which is not special`)
    if ((named.get(content) ?? id) !== id) throw new VocabularyError(`the token "${content}" has two numbers`)
    special.set(content, id)
  }
  return special
}

function mergeOf(merge: string | [string, string], rank: number): readonly [string, string] {
  if (typeof merge !== 'string') return merge
  const parts = merge.split(' ')
  if (parts.length !== 2) throw new VocabularyError(`merge ${rank + 1} ("${merge}") is not two tokens`)
  return [parts[0]!, parts[1]!] // two, as was just checked
}

/** How `charactersFile` writes ours: byte-pair encoding without a single pair. */
const isCharacters = ({ model, pre_tokenizer, normalizer, decoder }: TokenizerFile): boolean =>
  model.merges.length === 0 &&
  !pre_tokenizer &&
  !normalizer &&
  decoder?.type === 'Fuse' &&
  !model.byte_fallback

function checkCharacters(named: ReadonlyMap<string, number>): void {
  const seen = new Set<number>()
  for (const [name, number] of named) {
    if ([...name].length !== 1) throw new VocabularyError(`the token "${name}" is not one character`)
    if (seen.has(number)) throw new VocabularyError(`two characters have the number ${number}`)
    seen.add(number)
  }
}

function broken(what: string, where: string, cause?: unknown): UserError {
  return new UserError('tokenizer/broken', {
    message: `This tokenizer.json is not sound: ${what}.`,
    fix: 'Get it again from where the model came from.',
    where,
    cause,
  })
}
