import { Tokenizer as Peer } from '@huggingface/tokenizers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tokenizerFrom } from './index.ts'
import { byteLevel, llama2, llama3, metaspace, PROSE, qwen2, smol } from './small.test-support.ts'

/**
 * Pieces of prose in any order. The peer makes special tokens of their names, which we do not; and in GPT-2's kind it has
 * JavaScript's idea of white space (U+FEFF is, U+0085 is not), and of digits, where they stand apart, 0 to 9 alone;
 * Hugging Face's Rust has Unicode's of both, as we do.
 */
const texts = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 8 }),
      fc.constantFrom(' ', '   ', '\n\n', "'LL", '12345', '?!\r\n'),
      fc.nat(PROSE.length - 40).map(at => PROSE.slice(at, at + 40).toWellFormed()),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map(parts => parts.join(''))
  .filter(text => text !== '' && !/<[s/u|]|[\u0085\ufeff]|(?![0-9])\p{N}/u.test(text))

describe('against Hugging Face’s own', () => {
  it.each([
    ['GPT-2', () => byteLevel().file],
    ['Llama 3', llama3],
    ['Qwen 2', qwen2],
    ['digits apart', smol],
    ['Llama 2', llama2],
    ['Llama 2, newer', () => metaspace('first')],
  ])('a tokenizer of the kind %s gives the same tokens', (_, make) => {
    const file = make()
    const peer = new Peer(file, {})
    const ours = tokenizerFrom(file)
    fc.assert(
      fc.property(texts, text => {
        expect([...ours.encode(text)]).toEqual(peer.encode(text, { add_special_tokens: false }).ids)
      }),
    )
  })
})
