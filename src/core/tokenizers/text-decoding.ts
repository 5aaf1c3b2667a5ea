import type { TokenDecoder } from './types.ts'

/** What tokens say. */
export interface Said {
  /** Numbers from it on are no tokens. */
  size: number
  /** UTF-8 of each token; nothing for special ones. */
  bytesOf: readonly (Uint8Array | undefined)[]
  /** The text's first space was put there by the tokenizer. */
  prefixed: boolean
}

/** @throws RangeError for no token's number */
function bytesSaid({ size, bytesOf }: Said, token: number): Uint8Array | undefined {
  if (!(Number.isInteger(token) && token >= 0 && token < size))
    throw new RangeError(`token ${token} of ${size}`)
  return bytesOf[token]
}

// A byte order mark in the text is text.
const utf8 = () => new TextDecoder('utf-8', { ignoreBOM: true })

/** Many tokens at once. */
export function textOf(said: Said, tokens: ArrayLike<number>): string {
  const pieces: Uint8Array[] = []
  for (let i = 0; i < tokens.length; i++) {
    const bytes = bytesSaid(said, tokens[i]!)
    if (bytes) pieces.push(bytes)
  }
  const text = utf8().decode(Buffer.concat(pieces))
  return said.prefixed && text.startsWith(' ') ? text.slice(1) : text
}

/** Tokens to text, one by one: bytes wait until their character is complete. */
export class TextDecoding implements TokenDecoder {
  readonly #said: Said
  readonly #decoder = utf8()
  #prefixed: boolean

  constructor(said: Said) {
    this.#said = said
    this.#prefixed = said.prefixed
  }

  push(token: number): string {
    const bytes = bytesSaid(this.#said, token)
    return bytes ? this.#withoutPrefix(this.#decoder.decode(bytes, { stream: true })) : ''
  }

  end(): string {
    return this.#withoutPrefix(this.#decoder.decode())
  }

  #withoutPrefix(text: string): string {
    if (!this.#prefixed || text === '') return text
    this.#prefixed = false
    return text.startsWith(' ') ? text.slice(1) : text
  }
}
