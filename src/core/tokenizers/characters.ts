import { UserError } from '../../shared/errors.ts'
import type { TokenizerFile } from './file/schema.ts'
import { endOfTextAmong } from './special.ts'
import { type Said, TextDecoding, textOf } from './text-decoding.ts'
import type { TokenDecoder, Tokenizer } from './types.ts'

/** One token for each character (code point) of an alphabet, as in nanoGPT's shakespeare_char. */
export class CharacterTokenizer implements Tokenizer {
  readonly kind = 'characters'
  readonly size: number
  readonly special: ReadonlyMap<string, number>
  readonly endOfText: number | undefined
  readonly file: TokenizerFile
  readonly #numbers: ReadonlyMap<string, number>
  readonly #names: (string | undefined)[] = []
  readonly #said: Said
  /** Numbers of UTF-16 units that are characters themselves: most texts have no others. */
  readonly #units = new Int32Array(65_536).fill(-1)

  constructor(
    characters: ReadonlyMap<string, number>,
    special: ReadonlyMap<string, number>,
    file: TokenizerFile,
  ) {
    const utf8 = new TextEncoder()
    const bytesOf: (Uint8Array | undefined)[] = []
    for (const [character, number] of characters) {
      this.#names[number] = character
      bytesOf[number] = utf8.encode(character)
      if (character.length === 1) this.#units[character.charCodeAt(0)] = number
    }
    for (const [name, number] of special) this.#names[number] = name
    this.size = this.#names.length
    this.special = special
    this.endOfText = endOfTextAmong(special)
    this.file = file
    this.#numbers = characters
    this.#said = { size: this.size, bytesOf, prefixed: false }
  }

  encode(text: string): Int32Array {
    const tokens = new Int32Array(text.length)
    let count = 0
    for (let i = 0; i < text.length; i++) {
      const unit = this.#units[text.charCodeAt(i)]!
      if (unit >= 0) {
        tokens[count++] = unit
        continue
      }
      const character = String.fromCodePoint(text.codePointAt(i)!) // i is inside the text
      tokens[count++] = this.#numbers.get(character) ?? unknown(text, i, this.#numbers.size)
      i += character.length - 1
    }
    return tokens.slice(0, count)
  }

  boundary(text: string): number {
    const inside = isHighSurrogate(text.charCodeAt(text.length - 1))
    return inside ? text.length - 1 : text.length
  }

  decode(tokens: ArrayLike<number>): string {
    return textOf(this.#said, tokens)
  }

  decoder(): TokenDecoder {
    return new TextDecoding(this.#said)
  }

  nameOf(token: number): string {
    const name = this.#names[token]
    if (name === undefined) throw new RangeError(`token ${token} of ${this.size}`)
    return name
  }
}

function unknown(text: string, at: number, size: number): never {
  const character = String.fromCodePoint(text.codePointAt(at)!) // `at` is inside the text
  const code = `U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}`
  const shown = /[\p{C}\p{Z}]/u.test(character) ? code : `"${character}" (${code})`
  throw new UserError('tokenizer/unknown-character', {
    message: `The model knows ${size} characters; ${shown}, character ${[...text.slice(0, at)].length + 1} of the text, is not among them.`,
    fix: 'Leave it out or write it another way. A tokenizer of bytes (bpe) knows every character.',
  })
}

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff
