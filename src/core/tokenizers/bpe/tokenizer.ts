import type { TokenizerFile } from '../file/schema.ts'
import { endOfTextAmong } from '../special.ts'
import { type Said, TextDecoding, textOf } from '../text-decoding.ts'
import type { TokenDecoder, Tokenizer } from '../types.ts'
import { METASPACE, type MetaspaceSpelling, type Spelling } from './spelling.ts'
import { TokenBuffer } from './token-buffer.ts'
import type { Vocabulary } from './vocabulary.ts'
import { WordEncoder } from './word-encoder.ts'
import { isLowSurrogate, wordBoundary, wordsOf } from './words.ts'

export interface BpeParts {
  vocabulary: Vocabulary
  spelling: Spelling
  special: ReadonlyMap<string, number>
  ignoreMerges: boolean
  file: TokenizerFile
}

/** Byte-pair encoding, of bytes (GPT-2, Llama 3) or of characters with ▁ for spaces (Llama 2). */
export class BpeTokenizer implements Tokenizer {
  readonly kind = 'bpe'
  readonly size: number
  readonly special: ReadonlyMap<string, number>
  readonly endOfText: number | undefined
  readonly file: TokenizerFile
  readonly #names: readonly (string | undefined)[]
  readonly #spelling: Spelling
  readonly #words: WordEncoder
  readonly #said: Said
  /** Whether no token goes on beyond a space: then words can be encoded one by one. */
  readonly #divisible: boolean

  constructor({ vocabulary, spelling, special, ignoreMerges, file }: BpeParts) {
    this.size = vocabulary.names.length
    this.special = special
    this.endOfText = endOfTextAmong(special)
    this.file = file
    this.#names = vocabulary.names
    this.#spelling = spelling
    this.#words = new WordEncoder(vocabulary, spelling, ignoreMerges)
    this.#said = { size: this.size, bytesOf: vocabulary.bytesOf, prefixed: isPrefixed(spelling) }
    this.#divisible =
      spelling.kind === 'bytes' || !vocabulary.names.some(name => name && /[^\u2581]\u2581/.test(name))
  }

  encode(text: string, { continues = false } = {}): Int32Array {
    const found = new TokenBuffer()
    for (const word of this.#wordsOf(text.toWellFormed(), continues)) found.append(this.#words.encode(word))
    return found.taken()
  }

  #wordsOf(text: string, continues: boolean): string[] {
    const spelling = this.#spelling
    if (spelling.kind === 'bytes')
      return wordsOf(spelling.normalForm ? text.normalize(spelling.normalForm) : text, spelling.divisions)
    const spelled = withPrefix(text.replaceAll(' ', METASPACE), spelling, continues)
    if (spelled === '') return []
    return this.#divisible ? (spelled.match(/\u2581*[^\u2581]+|\u2581+/g) ?? []) : [spelled]
  }

  boundary(text: string): number {
    if (this.#spelling.kind === 'bytes') return wordBoundary(text)
    if (!this.#divisible) return 0
    for (let at = text.length - 1; at > 0; at--)
      if (isSpace(text[at]!) && !isSpace(text[at - 1]!) && !isLowSurrogate(text.charCodeAt(at))) return at
    return 0
  }

  decode(tokens: ArrayLike<number>): string {
    return textOf(this.#said, tokens)
  }

  decoder({ continues = false } = {}): TokenDecoder {
    return new TextDecoding(continues ? { ...this.#said, prefixed: false } : this.#said)
  }

  nameOf(token: number): string {
    const name = this.#names[token]
    if (name === undefined) throw new RangeError(`token ${token} of ${this.size}`)
    return name
  }
}

const isSpace = (character: string) => character === ' ' || character === METASPACE
const isPrefixed = (spelling: Spelling) => spelling.kind === 'metaspace' && spelling.prefix !== 'never'

function withPrefix(spelled: string, { prefix }: MetaspaceSpelling, continues: boolean): string {
  if (continues || spelled === '' || prefix === 'never') return spelled
  return prefix === 'unless' && spelled.startsWith(METASPACE) ? spelled : METASPACE + spelled
}
