import { writeFile } from 'node:fs/promises'
import { BYTE_NAMES } from '../bpe/byte-names.ts'
import type { Tokenizer } from '../types.ts'
import type { TokenizerFile } from './schema.ts'

const HEAD = { version: '1.0', truncation: null, padding: null } as const

const specialTokens = (names: readonly string[]) =>
  names.map((content, id) => ({
    id,
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  }))

const MODEL = {
  type: 'BPE',
  dropout: null,
  unk_token: null,
  continuing_subword_prefix: null,
  end_of_word_suffix: null,
  fuse_unk: false,
  byte_fallback: false,
  ignore_merges: false,
} as const

/** An alphabet as byte-pair encoding without a pair. @param characters  different code points @param special  first numbers */
export function charactersFile(characters: readonly string[], special: readonly string[]): TokenizerFile {
  const names = [...special, ...characters]
  return {
    ...HEAD,
    added_tokens: specialTokens(special),
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: { type: 'Fuse' },
    model: { ...MODEL, vocab: Object.fromEntries(names.map((name, number) => [name, number])), merges: [] },
  }
}

/** Byte-level byte-pair encoding with GPT-2's words. @param names  special tokens, the 256 bytes, then what merges made */
export function byteLevelFile(
  names: readonly string[],
  special: readonly string[],
  merges: readonly (readonly [string, string])[],
): TokenizerFile {
  const level = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  return {
    ...HEAD,
    added_tokens: specialTokens(special),
    normalizer: null,
    pre_tokenizer: level,
    post_processor: null,
    decoder: level,
    model: {
      ...MODEL,
      vocab: Object.fromEntries(names.map((name, number) => [name, number])),
      merges: merges.map(([left, right]): [string, string] => [left, right]),
    },
  }
}

/** The bytes' names in the order in which Hugging Face's trainer numbers them. */
export const alphabet = (): string[] => [...BYTE_NAMES].sort()

export const writeTokenizer = (path: string, { file }: Tokenizer): Promise<void> =>
  writeFile(path, JSON.stringify(file))
