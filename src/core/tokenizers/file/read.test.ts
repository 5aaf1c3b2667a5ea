import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readTokenizer, type TokenizerFile, tokenizerFrom } from '../index.ts'
import { byteLevel, llama2 } from '../small.test-support.ts'

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-tokenizer-file-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const gpt2 = byteLevel().file
const model = (changes: Partial<TokenizerFile['model']>, file = gpt2) => ({
  ...file,
  model: { ...file.model, ...changes },
})
const added = (content: string, special: boolean, id = 600) => ({
  ...gpt2,
  added_tokens: [...gpt2.added_tokens, { id, content, special }],
})
const slow = { type: 'Split', pattern: { Regex: '(a+)+$' }, behavior: 'Isolated', invert: false }
const without = (name: string) => {
  const { [name]: _, ...vocab } = gpt2.model.vocab
  return vocab
}

describe('a tokenizer.json', () => {
  it.each<[string, unknown, RegExp]>([
    ['another model', { model: { type: 'Unigram', vocab: [['a', 0]] } }, /"Unigram"/],
    ['merges left out at random', model({ dropout: 0.1 }), /dropout/],
    ['suffixes of words', model({ end_of_word_suffix: '</w>' }), /<\/w>/],
    [
      'a space before every text',
      { ...gpt2, pre_tokenizer: { type: 'ByteLevel', add_prefix_space: true } },
      /add_prefix_space/,
    ],
    [
      'an expression of its own',
      { ...gpt2, pre_tokenizer: { type: 'Sequence', pretokenizers: [slow, gpt2.pre_tokenizer] } },
      /\(a\+\)\+\$/,
    ],
    ['a normal form that loses letters', { ...gpt2, normalizer: { type: 'Lowercase' } }, /Lowercase/],
    ['another decoder', { ...gpt2, decoder: { type: 'WordPiece' } }, /WordPiece/],
    ['words at spaces', { ...gpt2, pre_tokenizer: { type: 'Whitespace' } }, /Whitespace/],
    ['added tokens that are ordinary text', added('    ', false), /" {4}"/],
    ['merges and whole words with ▁', model({ ignore_merges: true }, llama2()), /ignore_merges/],
  ])('that asks for %s is refused: the part is named', (_, source, what) => {
    const read = () => tokenizerFrom(source, 'there/tokenizer.json')
    expect(read).toThrow(what)
    expect(read).toThrow(
      expect.objectContaining({ code: 'tokenizer/unsupported', where: 'there/tokenizer.json' }),
    )
  })

  it.each<[string, unknown, RegExp]>([
    ['nothing', null, /object/],
    ['no vocabulary', { model: { type: 'BPE', merges: [] } }, /vocab/],
    ['numbers beyond all bounds', model({ vocab: { a: 2 ** 40 } }), /model\.vocab/],
    ['numbers that are none', model({ vocab: { a: -1 } }), /model\.vocab/],
    ['two tokens of one number', model({ vocab: { ...gpt2.model.vocab, zzz: 300 } }), /same number, 300/],
    ['a merge to nowhere', model({ merges: ['z zzzzz'] }), /merge 1 \("z" \+ "zzzzz"\)/],
    ['a merge of three', model({ merges: ['a b c'] }), /merge 1 .* not two/],
    ['a byte too few', model({ vocab: without('z'), merges: [] }), /<0x7A>/],
    ['a name that is not of bytes', model({ vocab: { ...gpt2.model.vocab, 日: 700 } }), /"日"/],
    ['two numbers for a token', added('z', true), /"z" has two numbers/],
    [
      'letters that are words',
      { model: { type: 'BPE', vocab: { ab: 0 }, merges: [] }, decoder: { type: 'Fuse' } },
      /"ab" is not one character/,
    ],
    [
      'letters of one number',
      { model: { type: 'BPE', vocab: { a: 0, b: 0 }, merges: [] }, decoder: { type: 'Fuse' } },
      /two characters have the number 0/,
    ],
  ])('with %s is refused as broken', (_, source, what) => {
    expect(() => tokenizerFrom(source)).toThrow(what)
    expect(() => tokenizerFrom(source)).toThrow(expect.objectContaining({ code: 'tokenizer/broken' }))
  })

  it('may name tokens as objects name their own parts', () => {
    const vocab = JSON.parse(
      `{"__proto__": 700, "constructor": 701, ${JSON.stringify(gpt2.model.vocab).slice(1)}`,
    )
    expect(tokenizerFrom(model({ vocab })).nameOf(700)).toBe('__proto__')
  })

  it('may have merges as texts or as pairs, and tokens beyond its vocabulary', () => {
    const merges = gpt2.model.merges.map(merge => (typeof merge === 'string' ? merge : merge.join(' ')))
    const tokenizer = tokenizerFrom({ ...added('<|pad|>', false), model: { ...gpt2.model, merges } })
    expect(tokenizer.encode('The whole job')).toEqual(byteLevel().encode('The whole job'))
    expect([tokenizer.size, tokenizer.special.get('<|pad|>'), tokenizer.endOfText]).toEqual([601, 600, 0])
  })

  it('is read from its folder, and said to be missing or no JSON', async () => {
    await expect(readTokenizer(folder)).rejects.toMatchObject({ code: 'tokenizer/not-found' })
    await expect(readTokenizer(join(folder, 'nowhere'))).rejects.toMatchObject({
      code: 'tokenizer/not-found',
    })
    writeFileSync(join(folder, 'tokenizer.json'), '{"model":')
    await expect(readTokenizer(folder)).rejects.toMatchObject({ code: 'tokenizer/broken' })
    writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(gpt2))
    expect((await readTokenizer(folder)).size).toBe(600)
  })
})
