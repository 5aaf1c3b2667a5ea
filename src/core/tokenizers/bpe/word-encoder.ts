import { isUtf8 } from 'node:buffer'
import { mergeWord } from './merge.ts'
import type { Spelling } from './spelling.ts'
import type { Vocabulary } from './vocabulary.ts'

/** Words recur: most of a text is found here. Long ones do not, and would only fill it. */
const MOST_KEPT = 65_536
const LONGEST_KEPT = 64

const utf8 = new TextEncoder()

/** The tokens of one word, by its merges; remembered for when it comes again. */
export class WordEncoder {
  readonly #vocabulary: Vocabulary
  readonly #spelling: Spelling
  /** Llama 3: a word that is a token needs no merges to get there. */
  readonly #whole: ReadonlyMap<string, number> | undefined
  readonly #kept = new Map<string, Int32Array>()

  constructor(vocabulary: Vocabulary, spelling: Spelling, ignoreMerges: boolean) {
    this.#vocabulary = vocabulary
    this.#spelling = spelling
    this.#whole = ignoreMerges ? wholeTokens(vocabulary) : undefined
  }

  encode(word: string): Int32Array {
    const kept = this.#kept.get(word)
    if (kept) return kept
    const tokens = this.#merged(word)
    if (word.length > LONGEST_KEPT) return tokens
    if (this.#kept.size >= MOST_KEPT) this.#kept.clear()
    this.#kept.set(word, tokens)
    return tokens
  }

  #merged(word: string): Int32Array {
    const whole = this.#whole?.get(word)
    if (whole !== undefined) return Int32Array.of(whole)
    const symbols = this.#spelling.kind === 'bytes' ? this.#bytes(word) : this.#characters(word)
    const length = mergeWord(symbols, symbols.length, this.#vocabulary.merges)
    return symbols.slice(0, length)
  }

  #bytes(word: string): Int32Array {
    const { byteTokens } = this.#vocabulary
    return Int32Array.from(utf8.encode(word), byte => byteTokens[byte]!)
  }

  #characters(word: string): Int32Array {
    const { numbers, byteTokens } = this.#vocabulary
    const symbols: number[] = []
    for (const character of word) {
      const number = numbers.get(character)
      if (number !== undefined) symbols.push(number)
      else for (const byte of utf8.encode(character)) symbols.push(byteTokens[byte]!)
    }
    return Int32Array.from(symbols)
  }
}

/** By the text that they say, for tokens that are sound text. */
function wholeTokens({ bytesOf }: Vocabulary): Map<string, number> {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const whole = new Map<string, number>()
  for (const [number, bytes] of bytesOf.entries())
    if (bytes && isUtf8(bytes)) whole.set(decoder.decode(bytes), number)
  return whole
}
