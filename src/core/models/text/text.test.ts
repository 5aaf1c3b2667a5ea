import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BpeTrainer, CharacterTrainer } from '../../tokenizers/index.ts'
import { chatTokens, type Message, promptTokens, untilEndOfTurn } from './chat.ts'
import { isTextModel, openTextModel, type Prompt } from './open.ts'
import { CONTEXT, specs, tokenizer, writeSmallModel, writeSmallText } from './small-text.test-support.ts'

let folder: string
const at = (...names: string[]) => join(folder, ...names)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gradstr-text-'))
  await writeSmallText(folder)
  for (const [name, spec] of Object.entries(specs)) await writeSmallModel(folder, name, spec)
})
afterAll(() => rm(folder, { recursive: true }))

async function written(model: string, prompt: Prompt, most = 20): Promise<string> {
  const open = await openTextModel(at(model), { threads: 1 })
  try {
    let text = ''
    for await (const piece of open.write({ prompt, most, seed: 1, temperature: 1 })) text += piece
    return text
  } finally {
    await open.close()
  }
}

describe("a language model's folder", () => {
  it.each(['gpt', 'llama'] as const)(
    'is opened as the %s that was written, and goes on with a text',
    async name => {
      const open = await openTextModel(at(name), { threads: 1 })
      await open.close()
      expect(open.architecture).toEqual({ recipe: name, model: specs[name].model })
      expect(await isTextModel(at(name))).toBe(true)
      expect(await written(name, { text: 'abc' })).toMatch(/^[a-h ]*$/)
      expect(await written(name, { text: 'abc' })).toBe(await written(name, { text: 'abc' }))
    },
  )

  it('has a loss beside what frequencies alone would give', async () => {
    const report = JSON.parse(await readFile(at('gpt', 'report.json'), 'utf8'))
    expect(report.metrics.loss).toBeCloseTo(Math.log(tokenizer.size), 1)
    expect(report.baseline.loss).toBeCloseTo(Math.log(tokenizer.size), 1)
    expect(report.holdout).toEqual({ blocks: 3, tokens: 3 * CONTEXT })
  })

  const bad: [string, (folder: string) => Promise<unknown>, RegExp][] = [
    ['is none', folder => rm(join(folder, 'config.json')), /cannot be used/],
    ['is of an unknown family', folder => changed(folder, { model_type: 'bloom' }), /"model_type"/],
    ['has other layers than ours', folder => changed(folder, { n_inner: 7 }), /"n_inner"/],
    [
      'was damaged',
      folder => writeFile(join(folder, 'tokenizer.json'), '{}'),
      /"tokenizer.json" is not what/,
    ],
    ['lacks weights', folder => changed(folder, { n_layer: 2 }), /"transformer.h.1.ln_1.weight" is missing/],
    [
      'has a tokenizer of another model',
      folder => changed(folder, { vocab_size: 5 }),
      /tokenizer has 14 tokens, the model knows 5/,
    ],
  ]
  it.each(bad)('is refused when it %s', async (_, spoil, message) => {
    await writeSmallModel(folder, 'spoiled', specs.gpt)
    await spoil(at('spoiled'))
    await expect(openTextModel(at('spoiled'))).rejects.toThrow(message)
    await rm(at('spoiled'), { recursive: true })
  })
})

async function changed(folder: string, change: object): Promise<void> {
  const path = join(folder, 'config.json')
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...change }))
}

describe('a prompt', () => {
  it('longer than the context is refused, with both lengths', async () => {
    await expect(written('gpt', { text: 'a'.repeat(CONTEXT) })).rejects.toThrow(
      `The text has ${CONTEXT + 1} tokens; this model sees at most ${CONTEXT}`,
    )
  })

  it('begins as a document does', () => {
    expect(promptTokens(tokenizer, 'ab')).toEqual([tokenizer.endOfText, ...tokenizer.encode('ab')])
  })
})

describe('a conversation', () => {
  const say = (...said: string[]): Message[] =>
    said.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }))
  const names = (messages: Message[], most: number) =>
    chatTokens({ tokenizer }, messages, most)
      .map(token => tokenizer.nameOf(token))
      .join('')

  it('is written by the template of training datasets, up to where the assistant begins', () => {
    expect(names(say('ab', 'c', 'd'), 99)).toBe(
      '<|endoftext|><|user|>ab<|end|><|assistant|>c<|end|><|user|>d<|end|><|assistant|>',
    )
  })

  it('forgets its oldest messages where it is too long, but not what the system said', () => {
    const messages: Message[] = [{ role: 'system', content: 'h' }, ...say('ab', 'c', 'd')]
    expect(names(messages, 11)).toBe(
      '<|endoftext|><|system|>h<|end|><|assistant|>c<|end|><|user|>d<|end|><|assistant|>',
    )
    expect(names(messages, 8)).toBe('<|endoftext|><|system|>h<|end|><|user|>d<|end|><|assistant|>')
    expect(() => names(messages, 7)).toThrow(/has 8 tokens; this model sees at most 7/)
  })

  it('is refused by a model that knows no roles', () => {
    const plain = new CharacterTrainer()
    plain.add('ab')
    expect(() => chatTokens({ tokenizer: plain.finish([]) }, say('a'), 99)).toThrow(
      /not trained on conversations/,
    )
  })

  it('spells the marks out in another tokenizer, where the model was trained so', () => {
    const bytes = new BpeTrainer()
    bytes.add('ab')
    const other = bytes.finish({ vocabulary: 260, special: [] })
    const tokens = chatTokens({ tokenizer: other, layout: 'chat' }, say('ab'), 99)
    expect(other.decode(tokens)).toBe('<|user|>ab<|end|><|assistant|>')
    expect(() => chatTokens({ tokenizer: other, layout: 'plain' }, say('ab'), 99)).toThrow(/not trained on/)
  })

  it.each([
    [['yes', '<|end|>', 'more'], 'yes'],
    [['ye', 's<|', 'e', 'nd|', '>more'], 'yes'],
    [['a <| b', '<|', 'endless'], 'a <| b<|endless'],
    [['never <|en'], 'never <|en'],
    [['<|end|>'], ''],
  ])('ends where a spelled out end stands, and not before: %j', async (pieces, expected) => {
    const stream = async function* () {
      yield* pieces
    }
    let text = ''
    for await (const piece of untilEndOfTurn(stream())) text += piece
    expect(text).toBe(expected)
  })
})
