import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  BpeTrainer,
  CharacterTrainer,
  readTokenizer,
  type Tokenizer,
  tokenizerFrom,
  writeTokenizer,
} from './index.ts'
import { byteLevel, kinds, metaspace, PROSE, qwen2 } from './small.test-support.ts'

/** Any sound Unicode text, often with spaces and pieces of prose. ▁ is what Llama 2 writes for a space. */
const texts = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 6 }),
      fc.string({ unit: 'grapheme', maxLength: 6 }),
      fc.constantFrom(' ', '  ', '\n', "'s", '\ufeff', '\u0085', '<|endoftext|>', '<s>', '123', 'é', '👩‍🔬'),
      fc.nat(PROSE.length - 30).map(at => PROSE.slice(at, at + 30).toWellFormed()),
    ),
    { maxLength: 12 },
  )
  .map(parts => parts.join('').replaceAll('\u2581', '_'))

function characters(special: string[] = []): Tokenizer {
  const trainer = new CharacterTrainer()
  trainer.add(PROSE)
  return trainer.finish(special)
}

let folder = ''
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-tokenizers-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function again(tokenizer: Tokenizer): Promise<Tokenizer> {
  const path = join(folder, 'tokenizer.json')
  await writeTokenizer(path, tokenizer)
  return readTokenizer(path)
}

describe.each(kinds)('a tokenizer of the kind: %s', (_, make) => {
  const tokenizer = make()

  it('gives any text back as it was, whole or token by token', () => {
    fc.assert(
      fc.property(texts, text => {
        const tokens = tokenizer.encode(text)
        expect(tokenizer.decode(tokens)).toBe(text)
        const decoder = tokenizer.decoder()
        expect([...tokens].map(token => decoder.push(token)).join('') + decoder.end()).toBe(text)
        expect(tokens.every(token => token < tokenizer.size)).toBe(true)
      }),
    )
  })

  it('makes special tokens of no text', () => {
    const special = new Set(tokenizer.special.values())
    expect(special.size).toBeGreaterThan(0)
    for (const name of tokenizer.special.keys())
      expect(tokenizer.encode(`a ${name} b`).some(token => special.has(token))).toBe(false)
  })

  it('encodes a long text piece by piece as it does the whole', () => {
    fc.assert(
      fc.property(texts, text => {
        const at = tokenizer.boundary(text)
        const rest = tokenizer.encode(text.slice(at), { continues: at > 0 })
        expect([...tokenizer.encode(text.slice(0, at)), ...rest]).toEqual([...tokenizer.encode(text)])
      }),
    )
    expect(tokenizer.boundary('One word and another')).toBeGreaterThan(0)
  })

  it('is the same after it was written and read', async () => {
    const read = await again(tokenizer)
    expect([read.size, read.endOfText]).toEqual([tokenizer.size, tokenizer.endOfText])
    expect(read.encode(PROSE)).toEqual(tokenizer.encode(PROSE))
  })

  it('refuses numbers that are no tokens', () => {
    expect(() => tokenizer.decode([tokenizer.size])).toThrow(RangeError)
    expect(() => tokenizer.nameOf(-1)).toThrow(RangeError)
  })
})

describe('a tokenizer of characters', () => {
  it('has a token for each, in the order of their code points, and gives texts back', async () => {
    const tokenizer = characters()
    const alphabet = [...new Set(PROSE)]
    expect(tokenizer.size).toBe(alphabet.length)
    expect(tokenizer.endOfText).toBeUndefined()
    expect(tokenizer.nameOf(0)).toBe('\t')
    const read = await again(tokenizer)
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...alphabet)), picked => {
        const tokens = tokenizer.encode(picked.join(''))
        expect(tokens.length).toBe(picked.length)
        expect(tokenizer.decode(tokens)).toBe(picked.join(''))
        expect(read.encode(picked.join(''))).toEqual(tokens)
      }),
    )
  })

  it('names a character that it does not know, and where it stands', () => {
    expect(() => characters().encode('A 👩‍🔬 and a ж')).toThrow(/"ж" \(U\+0436\), character 13 of the text/)
    expect(() => characters().encode('\u0007')).toThrow(/U\+0007/)
  })

  it('cuts no character in two', () => {
    const tokenizer = characters()
    expect(tokenizer.boundary('a👩'.slice(0, 2))).toBe(1)
    expect(tokenizer.boundary('ab')).toBe(2)
  })

  it('has special tokens when asked to', () => {
    const tokenizer = characters(['<|endoftext|>'])
    expect(tokenizer.endOfText).toBe(0)
    expect(tokenizer.decode([0, ...tokenizer.encode('ab'), 0])).toBe('ab')
  })
})

describe('training a tokenizer of bytes', () => {
  it('learns the same from the same text, whole or in pieces', () => {
    const whole = byteLevel(400).file
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), sizes => {
        const trainer = new BpeTrainer()
        for (let at = 0, i = 0; at < PROSE.length; i++) {
          const size = sizes[i % sizes.length]!
          trainer.add(PROSE.slice(at, at + size))
          at += size
        }
        expect(trainer.finish({ vocabulary: 400, special: ['<|endoftext|>'] }).file).toEqual(whole)
      }),
      { numRuns: 10 },
    )
  })

  it('makes no word of the end of one document and the beginning of the next', () => {
    const trainer = new BpeTrainer()
    for (let i = 0; i < 9; i++) {
      trainer.add('ab')
      trainer.endDocument()
    }
    expect(trainer.finish({ vocabulary: 300, special: [] }).size).toBe(257)
  })

  it('stops when no pair is left', () => {
    const size = byteLevel(100_000).size
    expect(size).toBeLessThan(100_000)
    expect(size).toBeGreaterThan(1_000)
  })

  it('makes no token of a whole text that has no spaces', () => {
    const trainer = new BpeTrainer()
    trainer.add(
      Array.from({ length: 900 }, (_, i) => String.fromCodePoint(0x4e00 + i))
        .join('')
        .repeat(5),
    )
    const tokenizer = trainer.finish({ vocabulary: 10_000, special: [] })
    const names = Array.from({ length: tokenizer.size }, (_, token) => tokenizer.nameOf(token))
    expect(Math.max(...names.map(name => name.length))).toBeLessThanOrEqual(256)
    expect(tokenizer.size).toBeGreaterThan(1_000)
  })

  it('refuses a vocabulary without room for the bytes', () => {
    expect(() => byteLevel(256)).toThrow(/no room/)
    expect(byteLevel(257).encode('é').length).toBe(2)
  })
})

describe('what a kind does not promise', () => {
  it('Qwen 2: texts come back composed (NFC)', () => {
    const tokenizer = tokenizerFrom(qwen2())
    expect(tokenizer.decode(tokenizer.encode('e\u0301'))).toBe('\u00e9')
  })

  it('Llama 2, newer files: a space at the beginning is the one that is put there', () => {
    const first = tokenizerFrom(metaspace('first'))
    expect(first.encode(' a')).toEqual(first.encode('a'))
    const never = tokenizerFrom(metaspace('never'))
    expect(never.encode(' a')).not.toEqual(never.encode('a'))
    expect(never.decode(never.encode(' a'))).toBe(' a')
  })

  it('lone surrogates become U+FFFD', () => {
    const tokenizer = byteLevel()
    expect(tokenizer.decode(tokenizer.encode('a\ud800b'))).toBe('a\ufffdb')
  })
})

describe('decoding a stream', () => {
  it('keeps bytes back until their character is complete, and says at the end what never was', () => {
    const tokenizer = byteLevel(257)
    const [first = 0, second = 0] = tokenizer.encode('é')
    const decoder = tokenizer.decoder()
    expect([decoder.push(first), decoder.push(second)]).toEqual(['', 'é'])
    expect([decoder.push(first), decoder.end()]).toEqual(['', '\ufffd'])
  })

  it('takes the space of a first word away, but not of one that goes on', () => {
    const tokenizer = tokenizerFrom(metaspace('first'))
    const tokens = tokenizer.encode('word')
    const fresh = tokenizer.decoder()
    const going = tokenizer.decoder({ continues: true })
    expect([...tokens].map(token => fresh.push(token)).join('')).toBe('word')
    expect([...tokens].map(token => going.push(token)).join('')).toBe(' word')
  })
})
