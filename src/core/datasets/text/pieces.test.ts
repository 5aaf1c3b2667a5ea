import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BpeTrainer, CharacterTrainer, END_OF_TEXT, type Tokenizer } from '../../tokenizers/index.ts'
import { blocksOf, usedBlocks } from './blocks.ts'
import { linesOf } from './lines.ts'
import { divided } from './parts.ts'
import { plainPieces } from './plain.ts'
import type { Piece } from './source.ts'
import { TokenSpool } from './token-spool.ts'
import { TokenStream } from './token-stream.ts'

/** A text and where it is cut into pieces. */
const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 })
const words = fc
  .array(fc.constantFrom('a', ' b', '\n', '<|', '<|end', END_OF_TEXT, '|>', '👩', 'word 12', '. '), {
    maxLength: 30,
  })
  .map(parts => parts.join(''))

async function* inPieces(text: string, sizes: number[]): AsyncGenerator<string> {
  const characters = [...text]
  for (let at = 0, i = 0; at < characters.length; i++) {
    const size = sizes[i % sizes.length]!
    yield characters.slice(at, at + size).join('')
    at += size
  }
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

const textOf = ({ segments }: { segments: Piece['segments'] }) =>
  segments.map(segment => ('text' in segment ? segment.text : '')).join('')

/** Documents of pieces, put together. */
function joined(pieces: { segments: Piece['segments']; ends: boolean }[]): string[] {
  const documents = ['']
  for (const piece of pieces) {
    documents.push(documents.pop() + textOf(piece))
    if (piece.ends) documents.push('')
  }
  expect(documents.pop()).toBe('')
  return documents
}

describe('pieces of a text', () => {
  it('make the same documents wherever they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(words, cuts, async (text, sizes) => {
        const expected = text
          .split(END_OF_TEXT)
          .map((document, i) => (i === 0 ? document : document.replace(/^\n/, '')))
          .filter(document => document !== '')
        expect(joined(await all(plainPieces(inPieces(text, sizes))))).toEqual(expected)
      }),
    )
  })

  it('make the same lines wherever they are cut, blank ones left out but counted', async () => {
    await fc.assert(
      fc.asyncProperty(words, cuts, async (text, sizes) => {
        const expected = text
          .split('\n')
          .map((line, i) => ({ number: i + 1, text: line }))
          .filter(line => line.text.trim() !== '')
        expect(await all(linesOf(inPieces(text, sizes), 'x'))).toEqual(expected)
      }),
    )
  })

  it('are divided at the same character wherever they are cut, never inside one', async () => {
    await fc.assert(
      fc.asyncProperty(words, cuts, fc.nat(40), async (text, sizes, limit) => {
        const documents = joined(await all(plainPieces(inPieces(text, sizes))))
        const trained = Float64Array.from(documents, document => Math.min(limit, document.length))
        const parts = await all(divided(plainPieces(inPieces(text, sizes)), trained))
        const of = (part: string) => joined(parts.filter(piece => piece.part === part))
        const training = of('training').filter(document => document !== '')
        const holdout = of('holdout').filter(document => document !== '')
        const cut = (document: string) => {
          const at = Math.min(limit, document.length)
          return document.slice(0, at).isWellFormed() ? at : at - 1
        }
        expect(training).toEqual(documents.map(d => d.slice(0, cut(d))).filter(d => d !== ''))
        expect(holdout).toEqual(documents.map(d => d.slice(cut(d))).filter(d => d !== ''))
      }),
    )
  })
})

const tokenizers: Tokenizer[] = (() => {
  const sample = `a b\n<|end|> 👩 word 12. ${END_OF_TEXT}`
  const characters = new CharacterTrainer()
  characters.add(sample)
  const bytes = new BpeTrainer()
  bytes.add(sample.repeat(3))
  return [characters.finish([END_OF_TEXT]), bytes.finish({ vocabulary: 280, special: [END_OF_TEXT] })]
})()

describe('a stream of tokens', () => {
  it('is that of the whole text, however it comes, with an end after each document', async () => {
    await fc.assert(
      fc.asyncProperty(words, cuts, fc.constantFrom(...tokenizers), async (text, sizes, tokenizer) => {
        const tokens: number[] = []
        const stream = new TokenStream(tokenizer, true, some => tokens.push(...some))
        for await (const piece of inPieces(text, sizes)) stream.push([{ text: piece, learned: true }])
        stream.end()
        expect(tokens).toEqual([...tokenizer.encode(text), tokenizer.endOfText])
      }),
    )
  })
})

describe('blocks', () => {
  it('have each token but the first as a target once; with a mask, only those with something to learn', () => {
    const tokens = fc.array(fc.record({ token: fc.nat(70_000), learned: fc.boolean() }), { maxLength: 3_000 })
    fc.assert(
      fc.property(tokens, fc.integer({ min: 1, max: 7 }), fc.boolean(), (all, block, masked) => {
        const spool = new TokenSpool(undefined, true, masked)
        try {
          for (const { token, learned } of all) spool.append(Int32Array.of(token), learned)
          const rows = [...blocksOf(spool, block)].flatMap(({ count, tokens, mask }) =>
            Array.from({ length: count }, (_, i) => ({
              tokens: [...tokens.subarray(i * (block + 1), (i + 1) * (block + 1))],
              mask: mask && [...mask.subarray(i * block, (i + 1) * block)],
            })),
          )
          const expected = []
          for (let at = 0; at + block < all.length; at += block) {
            const row = all.slice(at, at + block + 1)
            const mask = row.slice(1).map(({ learned }) => (learned ? 1 : 0))
            if (!masked || mask.includes(1))
              expected.push({ tokens: row.map(({ token }) => token), mask: masked ? mask : undefined })
          }
          expect(rows).toEqual(expected)
          expect(usedBlocks(spool, block, masked)).toBe(rows.length)
        } finally {
          spool.close()
        }
      }),
      { numRuns: 50 },
    )
  })
})
