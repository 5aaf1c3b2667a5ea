import type { Tokenizer } from '../../tokenizers/index.ts'
import type { Segment } from './source.ts'

/** A text without a single place to be cut is cut anyway: its tokens there may be other ones. */
const MOST_HELD = 4 * 1024 * 1024

/** Where tokens go. `learned`: the loss of these tokens, as targets, counts. */
export type TokenSink = (tokens: Int32Array, learned: boolean) => void

/** Turns documents that come piece by piece into tokens; pieces are cut where that changes nothing. */
export class TokenStream {
  readonly #tokenizer: Tokenizer
  readonly #sink: TokenSink
  readonly #divide: boolean
  #held = ''
  #learned = true
  #continues = false

  /** @param divide  an end-of-text token follows each document */
  constructor(tokenizer: Tokenizer, divide: boolean, sink: TokenSink) {
    this.#tokenizer = tokenizer
    this.#sink = sink
    this.#divide = divide
  }

  /** A part of the document. One that follows another of the same loss is the same text going on. */
  push(segments: readonly Segment[]): void {
    for (const segment of segments) {
      if ('mark' in segment) this.#mark(segment.mark, segment.learned)
      else this.#text(segment.text, segment.learned)
    }
  }

  /** The document is over. */
  end(): void {
    this.#flush()
    const { endOfText } = this.#tokenizer
    if (this.#divide && endOfText !== undefined) this.#sink(Int32Array.of(endOfText), this.#learned)
    this.#continues = false
  }

  #text(text: string, learned: boolean): void {
    if (learned !== this.#learned) this.#flush()
    this.#learned = learned
    this.#held += text
    const boundary = this.#tokenizer.boundary(this.#held)
    const at = boundary === 0 && this.#held.length > MOST_HELD ? wholeCharacters(this.#held) : boundary
    if (at === 0) return
    this.#encode(this.#held.slice(0, at))
    this.#held = this.#held.slice(at)
  }

  /** A special token, or its name spelled out where the tokenizer has none of that name. */
  #mark(name: string, learned: boolean): void {
    this.#flush()
    this.#learned = learned
    const token = this.#tokenizer.special.get(name)
    if (token === undefined) this.#encode(name)
    else this.#sink(Int32Array.of(token), learned)
  }

  #flush(): void {
    if (this.#held !== '') this.#encode(this.#held)
    this.#held = ''
  }

  #encode(text: string): void {
    this.#sink(this.#tokenizer.encode(text, { continues: this.#continues }), this.#learned)
    this.#continues = true
  }
}

const wholeCharacters = (text: string): number => {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last <= 0xdbff ? text.length - 1 : text.length
}
