import { describe, expect, it } from 'vitest'
import { END_OF_TEXT } from '../../tokenizers/index.ts'
import { inspectRows, testFolder } from '../folder.test-support.ts'
import { inspect } from '../index.ts'

const folder = testFolder()
const prose = Array.from(
  { length: 3_000 },
  (_, i) => `"Number ${i}," he said${i % 3 ? ', and left' : ''}.`,
).join('\n')
const jsonl = (records: unknown[]) => records.map(record => JSON.stringify(record)).join('\n')
const table = Array.from({ length: 50 }, (_, i) => `${i}\t${i % 7}\tword${i % 2}`).join('\n')

describe('inspecting a text', () => {
  it('says how long it is, in characters and tokens, and how it begins', async () => {
    expect(await inspect(folder.write('a.txt', prose))).toMatchObject({
      format: 'text',
      layout: 'plain',
      documents: 1,
      characters: prose.length,
      alphabet: new Set(prose).size,
      tokenizer: { kind: 'characters', size: new Set(prose).size },
      tokens: prose.length,
      tokensAreEstimated: false,
      preview: { rows: [['1', prose.slice(0, 80)]] },
      problems: [],
    })
  })

  it('counts documents and the tokens between them', async () => {
    const file = folder.write('a.txt', [prose, prose].join(END_OF_TEXT))
    expect(await inspect(file)).toMatchObject({ documents: 2, tokens: 2 * prose.length + 2 })
  })

  it('estimates the tokens of a byte-pair encoding within a tenth', async () => {
    const file = folder.write('a.txt', prose)
    const options = { text: { tokenizer: 'bpe', vocabulary: 600 } }
    const found = await inspect(file, options)
    if (found.format !== 'text') throw new Error('a text')
    const prepared = await folder.prepareText(file, options)
    const tokens = prepared.tokens.training + prepared.tokens.holdout
    expect(found).toMatchObject({ tokensAreEstimated: true, tokenizer: { kind: 'bpe', size: 600 } })
    expect(Math.abs(found.tokens / tokens - 1)).toBeLessThan(0.1)
  })

  it('chooses byte pairs for many different letters', async () => {
    const letters = Array.from({ length: 600 }, (_, i) => String.fromCodePoint(0x4e00 + i)).join('')
    const found = await inspect(folder.write('a.txt', letters.repeat(20)))
    expect(found).toMatchObject({ alphabet: 600, tokenizer: { kind: 'bpe' } })
  })

  it('warns of a text that will be learned by heart', async () => {
    const { problems } = await inspect(folder.write('a.txt', 'A few words.'))
    expect(problems).toMatchObject([{ code: 'dataset/text-short', severity: 'warning' }])
  })
})

describe('a file is taken', () => {
  it.each<[string, string, string, string]>([
    ['for a text: prose', 'a.txt', prose, 'plain'],
    ['for a text: prose without an ending', 'a', prose, 'plain'],
    ['for texts', 'a.jsonl', jsonl([{ text: 'a', meta: { n: 1 } }]), 'plain'],
    [
      'for prompts with completions',
      'a.jsonl',
      jsonl([{ prompt: 'a', completion: 'b', id: 1 }]),
      'completions',
    ],
    ['for conversations', 'a.jsonl', jsonl([{ messages: [{ role: 'assistant', content: 'b' }] }]), 'chat'],
  ])('%s', async (_, name, content, layout) => {
    expect(await inspect(folder.write(name, content))).toMatchObject({ format: 'text', layout })
  })

  it.each([
    ['with cells in each line', 'a.txt', table, 'csv'],
    ['of records with answers', 'a.jsonl', jsonl(Array(9).fill({ text: 'good', label: 1 })), 'jsonl'],
  ])('for a table: one %s', async (_, name, content, format) => {
    expect((await inspectRows(folder.write(name, content))).format).toBe(format)
  })

  it('for a table that is damaged, when its name says so', async () => {
    const file = folder.write('a.csv', 'text\nHello, world\n')
    await expect(inspect(file)).rejects.toMatchObject({ code: 'dataset/ragged-row' })
  })

  it('for what the person says', async () => {
    const file = folder.write('a.txt', table)
    expect(await inspect(file, { as: 'text' })).toMatchObject({ format: 'text' })
    const records = folder.write('a.jsonl', jsonl(Array(9).fill({ text: 'good', label: 1 })))
    expect(await inspect(records, { as: 'text' })).toMatchObject({ format: 'text', documents: 9 })
    expect((await inspectRows(records, { as: 'table' })).columns.length).toBe(2)
    const numbers = folder.write('b.jsonl', jsonl([{ a: 1 }]))
    await expect(inspect(numbers, { as: 'text' })).rejects.toMatchObject({ code: 'dataset/jsonl-text' })
  })
})
