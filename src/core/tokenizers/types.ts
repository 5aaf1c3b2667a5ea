import type { TokenizerFile } from './file/schema.ts'

/**
 * Text to numbers and back. The text given to `encode` is only ever text: a special token's name in it is spelled out
 * like any other word, so that no document or chat message can end a text or speak in another role.
 */
export interface Tokenizer {
  readonly kind: 'characters' | 'bpe'
  /** Every token's number is below it. */
  readonly size: number
  /** Tokens that no text contains, by name, e.g. `<|endoftext|>`. */
  readonly special: ReadonlyMap<string, number>
  /** Put between two documents and after an answer. */
  readonly endOfText: number | undefined
  /**
   * @param continues  the text goes on from an earlier piece (cut at a `boundary`): nothing is put before it
   * @throws UserError `tokenizer/unknown-character` by a tokenizer of characters
   */
  encode(text: string, options?: { continues?: boolean }): Int32Array
  /** Special tokens are left out. Bytes that are no sound UTF-8 become U+FFFD. @throws RangeError for no token's number */
  decode(tokens: ArrayLike<number>): string
  /** For tokens that come one by one. @param continues  they go on from an earlier text */
  decoder(options?: { continues?: boolean }): TokenDecoder
  /** A token as tokenizer.json spells it, for people. @throws RangeError */
  nameOf(token: number): string
  /**
   * The last place at which a piece of a longer text may be cut: the two parts, encoded one after the other, give the same
   * tokens as the whole. 0 when there is none.
   */
  boundary(text: string): number
  /** Hugging Face's tokenizer.json, which Python's `tokenizers` and `transformers` load too. */
  readonly file: TokenizerFile
}

export interface TokenDecoder {
  /** The text that is complete with this token: a character in several tokens comes with its last one. */
  push(token: number): string
  /** What is left, with U+FFFD for a character that never ended. */
  end(): string
}
