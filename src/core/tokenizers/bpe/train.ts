import { UserError } from '../../../shared/errors.ts'
import { tokenizerFrom } from '../file/read.ts'
import { alphabet, byteLevelFile } from '../file/write.ts'
import type { Tokenizer } from '../types.ts'
import { BYTE_NAMES } from './byte-names.ts'
import { learnMerges } from './learn.ts'
import { wordBoundary, wordsOf } from './words.ts'

const BYTES = 256
const utf8 = new TextEncoder()

export interface TrainOptions {
  /** How many tokens at most, with special ones and the 256 bytes. */
  vocabulary: number
  /** Names of special tokens; they get the first numbers. */
  special: readonly string[]
}

/**
 * Learns a byte-level byte-pair encoding (Sennrich et al. 2016; Radford et al. 2019) from texts that come piece by piece.
 * The same pieces put together give the same tokenizer, wherever they were cut; ties go to the pair with the lower numbers,
 * as in Hugging Face's trainer. What is held in memory is the different words of the texts.
 */
export class BpeTrainer {
  readonly #counts = new Map<string, number>()
  #rest = ''

  /** A piece of a document. */
  add(piece: string): void {
    const text = this.#rest + piece
    const end = wordBoundary(text)
    this.#rest = text.slice(end)
    this.#count(text.slice(0, end))
  }

  /** The document is over: words do not go on into the next one. */
  endDocument(): void {
    this.#count(this.#rest)
    this.#rest = ''
  }

  /** @throws UserError `tokenizer/vocabulary` when there is no room for the bytes */
  finish({ vocabulary, special }: TrainOptions): Tokenizer {
    this.endDocument()
    const first = special.length + BYTES
    if (vocabulary < first) {
      throw new UserError('tokenizer/vocabulary', {
        message: `A vocabulary of ${vocabulary} has no room for the 256 bytes and ${special.length} special tokens.`,
        fix: `Ask for at least ${first}; 4,096 suits a text of a few megabytes.`,
      })
    }
    const names = [...special, ...alphabet()]
    const numbers = new Map(names.map((name, number) => [name, number]))
    const tokenOf = BYTE_NAMES.map(name => numbers.get(name)!) // every byte's name is in the alphabet
    const words = [...this.#counts].map(([word, count]) => ({
      symbols: Int32Array.from(utf8.encode(word), byte => tokenOf[byte]!),
      count,
    }))
    const merges = learnMerges(words, names, numbers, vocabulary)
    return tokenizerFrom(byteLevelFile(names, special, merges))
  }

  #count(text: string): void {
    for (const word of wordsOf(text.toWellFormed(), ['gpt2']))
      this.#counts.set(word, (this.#counts.get(word) ?? 0) + 1)
  }
}
