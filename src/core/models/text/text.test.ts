import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  CharacterTrainer,
  END_OF_TEXT,
  END_OF_TURN,
  ROLES,
  roleMark,
  writeTokenizer,
} from '../../tokenizers/index.ts'
import { initialWeights, type LanguageSpec, writeSafetensors } from '../../training/index.ts'
import { chatTokens, type Message, promptTokens } from './chat.ts'
import { exportTextModel } from './export.ts'
import { isTextModel, openTextModel, type Prompt } from './open.ts'

const CONTEXT = 40
const trainer = new CharacterTrainer()
trainer.add('abcdefgh ')
const tokenizer = trainer.finish([END_OF_TEXT, ...ROLES.map(roleMark), END_OF_TURN])
const optimizer = {
  name: 'adamw',
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0,
} as const
const shared = { task: 'language', batch: 2, optimizer } as const
const sizes = { vocabulary: tokenizer.size, context: CONTEXT, width: 8, layers: 1, heads: 2 }
const specs: Record<'gpt' | 'llama', LanguageSpec> = {
  gpt: { recipe: 'gpt', ...shared, model: { ...sizes, bias: true, activation: 'gelu_new' } },
  llama: {
    ...{ recipe: 'llama', ...shared },
    model: { ...sizes, hidden: 16, keyValueHeads: 1, epsilon: 1e-5, theta: 1e4, tied: false },
  },
}

let folder: string
const at = (...names: string[]) => join(folder, ...names)
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gradstr-text-'))
  await writeTokenizer(at('tokenizer.json'), tokenizer)
  const data = Uint16Array.from({ length: 3 * (CONTEXT + 1) }, (_, i) => i % tokenizer.size)
  const tokens = { dtype: 'U16' as const, shape: [3, CONTEXT + 1], data }
  await writeSafetensors(at('holdout'), new Map([['tokens', tokens]]))
  for (const [name, spec] of Object.entries(specs)) {
    await writeSafetensors(at('weights'), initialWeights(spec, 1))
    await exportTextModel({
      ...{ spec, weights: at('weights'), tokenizer: at('tokenizer.json'), holdout: at('holdout') },
      ...{ training: { local: { steps: 1, batch: 2, curve: [] } }, out: at(name), threads: 1 },
    })
  }
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
    await exportTextModel({
      ...{ spec: specs.gpt, weights: at('gpt', 'model.safetensors'), tokenizer: at('tokenizer.json') },
      ...{ holdout: at('holdout'), training: { local: { steps: 1, batch: 2, curve: [] } } },
      ...{ out: at('spoiled'), threads: 1 },
    })
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
    chatTokens(tokenizer, messages, most)
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
    expect(() => chatTokens(plain.finish([]), say('a'), 99)).toThrow(/not trained on conversations/)
  })
})
