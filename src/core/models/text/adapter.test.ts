import { cp, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { f32, floats, initialWeights, type LanguageSpec } from '../../training/index.ts'
import { mergeModel } from './merge.ts'
import { openTextModel } from './open.ts'
import { specs, writeSmallModel, writeSmallText } from './small-text.test-support.ts'
import { checkChat } from './speaker.ts'

let folder: string
const at = (...names: string[]) => join(folder, ...names)
const adapted = (spec: LanguageSpec): LanguageSpec => ({
  ...spec,
  adapter: {
    rank: 2,
    alpha: 4,
    targets: spec.recipe === 'gpt' ? ['c_attn', 'c_proj'] : ['v_proj', 'o_proj', 'lm_head'],
    base: 'f16',
  },
})

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gradstr-adapter-'))
  await writeSmallText(folder)
})
afterEach(() => rm(folder, { recursive: true }))

/** A base and an adapter that changes much. */
async function pair(name: 'gpt' | 'llama'): Promise<void> {
  await writeSmallModel(folder, 'base', specs[name])
  const spec = adapted(specs[name])
  const weights = new Map(
    [...initialWeights(spec, 2)].map(([key, tensor]) => [
      key,
      f32(
        tensor.shape,
        floats(tensor).map((x, i) => x + Math.sin(i)),
      ),
    ]),
  )
  await writeSmallModel(folder, 'adapter', spec, { weights, base: at('base') })
}

async function said(model: string, options: { base?: string } = {}): Promise<string> {
  const open = await openTextModel(at(model), { threads: 1, ...options })
  try {
    let text = ''
    for (let seed = 1; seed <= 8; seed++) {
      text += '/'
      for await (const piece of open.write({ prompt: { text: 'abc' }, most: 30, seed, temperature: 1 }))
        text += piece
    }
    return text
  } finally {
    await open.close()
  }
}

describe("an adapter's folder", () => {
  it.each(['gpt', 'llama'] as const)(
    'is a model of its own with its base (%s), and so is what both are merged to',
    async name => {
      await pair(name)
      const [base, adapter] = [await said('base'), await said('adapter')]
      expect(adapter).not.toBe(base)
      await mergeModel({ adapter: at('adapter'), out: at('whole') })
      await rm(at('base'), { recursive: true })
      await rm(at('adapter'), { recursive: true })
      expect(await said('whole')).toBe(adapter)
      expect(JSON.parse(await readFile(at('whole', 'report.json'), 'utf8')).task).toBe('language')
      expect(await readFile(at('whole', 'README.md'), 'utf8')).not.toContain('gradstr merge')
    },
  )

  it('needs its base: where it was, or where it is said to be', async () => {
    await pair('gpt')
    const before = await said('adapter')
    await rename(at('base'), at('moved'))
    await expect(said('adapter')).rejects.toThrow(/base model that it belongs to is not at/)
    expect(await said('adapter', { base: at('moved') })).toBe(before)
    await checkChat(at('adapter'))
  })

  it('refuses another base than the one it was trained on, and damaged files', async () => {
    await pair('gpt')
    await writeSmallModel(folder, 'other', specs.gpt, { weights: initialWeights(specs.gpt, 5) })
    await expect(said('adapter', { base: at('other') })).rejects.toThrow(
      /is not the model that this adapter was trained on: its "config.json"/,
    )
    await writeFile(at('adapter', 'adapter_model.safetensors'), 'x')
    await expect(said('adapter')).rejects.toThrow(/"adapter_model.safetensors" is not what was written/)
  })

  it('of others is used too: they say nothing but where the base is', async () => {
    await pair('llama')
    const before = await said('adapter')
    for (const own of ['gradstr.json', 'tokenizer.json', 'README.md', 'report.json', 'tokenizer_config.json'])
      await rm(at('adapter', own))
    expect(await said('adapter')).toBe(before)
    await mergeModel({ adapter: at('adapter'), out: at('whole') })
    expect(await said('whole')).toBe(before)
  })

  it('is the only thing that can be merged', async () => {
    await writeSmallModel(folder, 'base', specs.gpt)
    await expect(mergeModel({ adapter: at('base'), out: at('whole') })).rejects.toThrow(/holds no adapter/)
    await cp(at('base'), at('taken'), { recursive: true })
    await writeFile(at('taken', 'letter.txt'), 'mine')
    await expect(mergeModel({ adapter: at('base'), out: at('taken') })).rejects.toThrow(/"letter.txt"/)
  })
})
