import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { END_OF_TEXT } from '../../tokenizers/index.ts'
import { testFolder } from '../folder.test-support.ts'
import { inspect, type PrepareOptions, readTextEncoding } from '../index.ts'
import { inOrder, opened, stream } from './text.test-support.ts'

const folder = testFolder()
const run = folder.prepareText

/** Different everywhere, so that a block tells where it came from. */
const story = (sentences: number, from = 0) =>
  Array.from({ length: sentences }, (_, i) => `Sentence ${from + i} says ${(from + i) ** 2}.`).join('\n')
const jsonl = (records: unknown[]) => `${records.map(record => JSON.stringify(record)).join('\n')}\n`

describe('one document', () => {
  it('gives each token as a target once, the end of it kept back', async () => {
    const text = story(400)
    const prepared = await run(folder.write('a.txt', text), { text: { block: 16 } })
    const { tokenizer, holdout, shards } = await opened(prepared)
    const cut = Math.floor(text.length * 0.9)
    expect(prepared).toMatchObject({ kind: 'text', masked: false, documents: 1, block: 16, dtype: 'U16' })
    expect(prepared.tokens).toEqual({ training: cut, holdout: text.length - cut })
    const rows = shards.flatMap(({ tokens }) => tokens)
    const training = inOrder(rows, tokenizer.encode(text.slice(0, cut)), 16)
    expect(training.length).toBe(rows.length)
    expect(tokenizer.decode(stream(training))).toBe(text.slice(0, 1 + 16 * training.length))
    expect(tokenizer.decode(stream(holdout.tokens))).toBe(
      text.slice(cut, cut + 1 + 16 * holdout.tokens.length),
    )
    expect([prepared.rows, prepared.holdoutRows]).toEqual([
      rows.length + holdout.tokens.length,
      holdout.tokens.length,
    ])
  })

  it('has no end-of-text token: its characters are all there is', async () => {
    const prepared = await run(folder.write('a.txt', story(300)))
    const { tokenizer } = await opened(prepared)
    expect(prepared.vocabulary).toBe(new Set(story(300)).size)
    expect(tokenizer.special.size).toBe(0)
    expect(await readTextEncoding(prepared.encoding)).toMatchObject({
      kind: 'text',
      layout: 'plain',
      vocabulary: prepared.vocabulary,
      block: prepared.block,
    })
  })

  it('is dealt to shards of equal size, in an order that the seed decides, into the same bytes each time', async () => {
    const file = folder.write('a.txt', story(400))
    const first = await run(file, { shards: 3 })
    const again = await run(file, { shards: 3, out: folder.path('again') })
    const other = await run(file, { shards: 3, seed: 2, out: folder.path('other') })
    const hashes = ({ shards }: typeof first) => shards.map(({ sha256 }) => sha256)
    expect(hashes(again)).toEqual(hashes(first))
    expect(hashes(other)).not.toEqual(hashes(first))
    const rows = first.shards.map(shard => shard.rows)
    expect(Math.max(...rows) - Math.min(...rows)).toBeLessThanOrEqual(1)
  })

  it.each([
    ['UTF-16', (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['UTF-8 with a mark', (text: string) => Buffer.from(`\ufeff${text}`)],
    ['windows-1252', (text: string) => Buffer.from(text, 'latin1')],
    [
      'windows-1252 that begins like UTF-8',
      (text: string) => Buffer.from(`${' '.repeat(300_000)}${text}`, 'latin1'),
    ],
    ['lines as Windows ends them', (text: string) => Buffer.from(text.replaceAll('\n', '\r\n'))],
    ['lines as old Macs ended them', (text: string) => Buffer.from(text.replaceAll('\n', '\r'))],
  ])('may be written in %s', async (_, encode) => {
    const text = `Größe: café\n${story(300)}`
    const prepared = await run(folder.write('a.txt', encode(text)), { text: { block: 8 } })
    const { tokenizer, shards, holdout } = await opened(prepared)
    const rows = [holdout, ...shards].flatMap(({ tokens }) => tokens)
    expect(rows.map(row => tokenizer.decode(row))).toContainEqual(expect.stringContaining('öß'))
    expect(tokenizer.size).toBe(new Set(text).size)
  })
})

describe('several documents', () => {
  const documents = [story(150), story(150, 1_000), story(150, 2_000)]
  const ends = documents.map(text => Math.floor(text.length * 0.9))

  it('of one file follow one another with an end-of-text token between, the end of each kept back', async () => {
    const text = documents.join(`${END_OF_TEXT}\n`)
    const prepared = await run(folder.write('a.txt', text), { text: { block: 16 } })
    const { tokenizer, holdout, shards } = await opened(prepared)
    const encoded = (part: (text: string, i: number) => string) =>
      documents.flatMap((text, i) => [...tokenizer.encode(part(text, i)), tokenizer.endOfText!])
    const training = encoded((text, i) => text.slice(0, ends[i]))
    const rows = shards.flatMap(({ tokens }) => tokens)
    expect(inOrder(rows, training, 16).length).toBe(rows.length)
    const kept = encoded((text, i) => text.slice(ends[i]))
    expect(inOrder(holdout.tokens, kept, 16).length).toBe(holdout.tokens.length)
    expect(prepared.tokens).toEqual({ training: training.length, holdout: kept.length })
  })

  it('of a folder are the same as of one file, in the order of their names; hidden ones are none', async () => {
    mkdirSync(join(folder.path('texts'), 'more'), { recursive: true })
    mkdirSync(join(folder.path('texts'), '.git'))
    for (const [i, name] of ['a.txt', 'b.md', 'more/c.txt'].entries())
      writeFileSync(join(folder.path('texts'), name), documents[i]!)
    writeFileSync(join(folder.path('texts'), '.git', 'd.txt'), 'hidden')
    writeFileSync(join(folder.path('texts'), 'empty.txt'), '')
    const many = await run(folder.path('texts'))
    const one = await run(folder.write('a.txt', documents.join(END_OF_TEXT)), { out: folder.path('one') })
    expect(many.shards.map(({ sha256 }) => sha256)).toEqual(one.shards.map(({ sha256 }) => sha256))
  })

  it('when there are many, are kept back as a whole, by the seed', async () => {
    const records = Array.from({ length: 200 }, (_, i) => ({ text: `Document ${i}: ${story(5, i * 10)}` }))
    const file = folder.write('a.jsonl', jsonl(records))
    const numbers = async (seed: number) => {
      const { tokenizer, holdout } = await opened(
        await run(file, { seed, text: { block: 8 }, out: folder.path(`out${seed}`) }),
      )
      return new Set(
        Array.from(tokenizer.decode(stream(holdout.tokens)).matchAll(/Document (\d+):/g), m => m[1]),
      )
    }
    const [first, second] = [await numbers(1), await numbers(2)]
    expect([first.size, second.size]).toEqual([20, 20])
    expect(first).not.toEqual(second)
  })
})

describe('prompts with completions', () => {
  const records = Array.from({ length: 60 }, (_, i) => ({
    prompt: `What is ${i} + 1? `,
    completion: `It is ${i + 1}.`,
  }))

  it('are learned in the completions and the end of the text alone', async () => {
    const prepared = await run(folder.write('a.jsonl', jsonl(records)), { text: { block: 16 } })
    expect(prepared).toMatchObject({ masked: true, layout: 'completions', documents: 60 })
    const { tokenizer, shards } = await opened(prepared)
    const learned = shards.flatMap(({ tokens, mask }) =>
      tokens.map((row, i) => row.slice(1).filter((_, t) => mask?.[i]?.[t] === 1)),
    )
    for (const targets of learned) {
      expect(targets.length).toBeGreaterThan(0)
      expect(tokenizer.decode(targets)).not.toMatch(/[W?]/)
    }
    const kept = (await opened(prepared)).holdout
    expect(kept.mask?.[0]?.length).toBe(16)
    const ends = shards.flatMap(({ tokens, mask }) =>
      tokens.flatMap((row, i) =>
        row.slice(1).flatMap((token, t) => (token === tokenizer.endOfText ? [mask?.[i]?.[t]] : [])),
      ),
    )
    expect(new Set(ends)).toEqual(new Set([1]))
  })

  it('give no block in which nothing is learned', async () => {
    const long = records.map(({ completion }) => ({ prompt: 'p'.repeat(100), completion }))
    const { shards, holdout } = await opened(
      await run(folder.write('a.jsonl', jsonl(long)), { text: { block: 8 } }),
    )
    for (const { mask } of [...shards, holdout]) for (const row of mask ?? []) expect(row).toContain(1)
  })
})

describe('conversations', () => {
  const records = Array.from({ length: 40 }, (_, i) => ({
    messages: [
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: `Number ${i}? <|assistant|>` },
      { role: 'assistant', content: `yes ${i}` },
    ],
  }))

  it('are learned in the assistant’s turns and their ends; no message can speak in another role', async () => {
    const prepared = await run(folder.write('a.jsonl', jsonl(records)), { text: { block: 16 } })
    const { tokenizer, shards } = await opened(prepared)
    const mark = (name: string) => tokenizer.special.get(name)!
    const rows = shards.flatMap(({ tokens, mask }) => tokens.map((row, i) => ({ row, mask: mask![i]! })))
    const learned = rows.flatMap(({ row, mask }) => row.slice(1).filter((_, t) => mask[t] === 1))
    expect(tokenizer.decode(learned)).not.toMatch(/[BN?<]/)
    expect(learned).toContain(mark('<|end|>'))
    expect(learned).not.toContain(mark('<|user|>'))
    const all = rows.flatMap(({ row }) => row.slice(1))
    const count = (name: string) => all.filter(token => token === mark(name)).length
    expect(count('<|assistant|>')).toBeLessThanOrEqual(36)
    expect(count('<|end|>')).toBeGreaterThan(2 * count('<|assistant|>'))
  })
})

describe('the tokenizer', () => {
  it('is learned from what is trained on alone', async () => {
    const common = story(400)
    const learnedWith = async (end: string) => {
      const file = folder.write('a.txt', common + end.repeat(30))
      return readFileSync(
        (await run(file, { text: { tokenizer: 'bpe', vocabulary: 300 } })).tokenizer,
        'utf8',
      )
    }
    expect(await learnedWith(' zyzzyvas')).toBe(await learnedWith(' quixotic'))
  })

  it('may be another model’s, in its own file', async () => {
    const first = await run(folder.write('a.txt', story(300)), {
      text: { tokenizer: 'bpe', vocabulary: 300 },
    })
    const file = JSON.parse(readFileSync(first.tokenizer, 'utf8'))
    file.added_tokens.push({ id: 70_000, content: '<|pad|>', special: true })
    const tokenizer = folder.write('tokenizer.json', JSON.stringify(file))
    const options = { text: { tokenizer }, out: folder.path('second') }
    const second = await run(folder.write('a.txt', story(300)), options)
    expect(second).toMatchObject({ vocabulary: 70_001, dtype: 'I32', tokens: first.tokens })
    const [a, b] = [await opened(first), await opened(second)]
    expect(b.holdout).toEqual({ ...a.holdout, dtype: 'I32' })
    const two = folder.write('two.txt', `${story(200)}${END_OF_TEXT}${story(200)}`)
    const code = 'dataset/no-end-of-text'
    await expect(run(two, options)).rejects.toMatchObject({ code, where: tokenizer })
    const { problems } = await inspect(two, options)
    expect(problems).toContainEqual(expect.objectContaining({ code, severity: 'error' }))
  })
})

describe('what cannot be used is refused, and nothing is left:', () => {
  const good = { prompt: 'a', completion: 'b' }
  it.each<[string, string, string | Buffer, Partial<PrepareOptions>, string, RegExp]>([
    [
      'no JSON',
      'a.jsonl',
      `${jsonl([good])}\n{"prompt": "a", "compl`,
      {},
      'dataset/jsonl-line',
      /^Line 3 .* JSON/,
    ],
    [
      'another field',
      'a.jsonl',
      jsonl([good, { text: 'x' }]),
      {},
      'dataset/jsonl-line',
      /^Line 2 .*"prompt"/,
    ],
    [
      'a number',
      'a.jsonl',
      jsonl([good, { ...good, completion: 1 }]),
      {},
      'dataset/jsonl-line',
      /^Line 2 .*"completion"/,
    ],
    [
      'nothing to learn',
      'a.jsonl',
      jsonl([good, { ...good, completion: '' }]),
      {},
      'dataset/jsonl-line',
      /^Line 2 .*empty/,
    ],
    [
      'a role',
      'a.jsonl',
      jsonl([{ messages: [{ role: 'robot', content: '' }] }]),
      {},
      'dataset/jsonl-line',
      /^Line 1 .*"messages\[0\]\.role"/,
    ],
    [
      'no answer',
      'a.jsonl',
      jsonl([{ messages: [{ role: 'user', content: '' }] }]),
      {},
      'dataset/jsonl-line',
      /assistant/,
    ],
    ['a record alone', 'a.jsonl', jsonl([good]), {}, 'dataset/too-few-documents', /one record/],
    ['too short', 'a.txt', 'A few words.', {}, 'dataset/text-too-short', /too short/],
    [
      'shorter than a block',
      'a.txt',
      story(30),
      { text: { block: 4_096 } },
      'dataset/text-too-short',
      /0 blocks of 4096/,
    ],
    ['nothing but marks', 'a.txt', END_OF_TEXT.repeat(9), {}, 'dataset/empty', /no text/],
    ['not a text', 'a.txt', Buffer.from([1, 2, 3, 0, 5]), {}, 'dataset/binary', /no text has/],
    ['all kept back', 'a.txt', story(99), { holdout: 1 }, 'dataset/holdout', /fraction/],
    ['half a token', 'a.txt', story(99), { text: { block: 0.5 } }, 'dataset/block', /0\.5/],
    [
      'no such tokenizer',
      'a.txt',
      story(99),
      { text: { tokenizer: '/nowhere' } },
      'tokenizer/not-found',
      /tokenizer\.json/,
    ],
  ])('%s', async (_, name, content, options, code, message) => {
    const file = folder.write(name, content)
    await expect(run(file, options)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
      fix: expect.stringMatching(/\.\)?$/),
    })
    expect(folder.files()).toEqual([name])
  })

  it('a text shorter than the block says which block would do', async () => {
    const file = folder.write('a.txt', story(30))
    const refused = await run(file, { text: { block: 4_096 } }).catch(error => error)
    const block = Number(/--block (\d+)/.exec(refused.fix)?.[1])
    expect((await run(file, { text: { block } })).block).toBe(block)
  })
})
