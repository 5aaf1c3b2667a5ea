import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { initialWeights, type TextArchitecture } from '../training/index.ts'
import { readAdapter, writeAdapter } from './peft.ts'

const base: TextArchitecture = {
  recipe: 'gpt',
  model: { vocabulary: 7, context: 5, width: 8, layers: 1, heads: 2, bias: true, activation: 'gelu' },
}
const adapter = { rank: 2, alpha: 6, targets: ['c_attn', 'mlp.c_proj'], base: 'f32' as const }
const architecture = { ...base, adapter }

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gradstr-peft-'))
  await writeAdapter(folder, { architecture, weights: initialWeights(architecture, 1) }, 'gpt2')
})
afterEach(() => rm(folder, { recursive: true }))

const file = () => join(folder, 'adapter_config.json')
const config = async () => JSON.parse(await readFile(file(), 'utf8'))

describe('a PEFT folder', () => {
  it('is read as it was written', async () => {
    expect(await config()).toMatchObject({
      peft_type: 'LORA',
      r: 2,
      lora_alpha: 6,
      target_modules: ['c_attn', 'mlp.c_proj'],
      fan_in_fan_out: true,
      base_model_name_or_path: 'gpt2',
    })
    const read = await readAdapter(folder, base)
    expect(read.architecture).toEqual(architecture)
    expect(read.weights).toEqual(initialWeights(architecture, 1))
  })

  it.each([
    ['of another kind', { peft_type: 'IA3' }, /"peft_type"/],
    ['with decomposed weights', { use_dora: true }, /"use_dora"/],
    ['whose layers have ranks of their own', { rank_pattern: { c_attn: 4 } }, /"rank_pattern/],
    ['with trained biases', { bias: 'all' }, /"bias"/],
    ['with biases of its own', { lora_bias: true }, /"lora_bias"/],
    ['that works from some words on', { alora_invocation_tokens: [1, 2] }, /"alora_invocation_tokens/],
    ['of a base with layers repeated', { layer_replication: [[0, 1]] }, /"layer_replication/],
    ['with further modules', { modules_to_save: ['lm_head'] }, /"modules_to_save/],
    ['for layers that have no weights in it', { target_modules: ['c_attn', 'c_fc'] }, /is missing/],
    ['of another rank', { r: 3 }, /\[2,8\], the model has F32 \[3,8\]/],
  ])('is refused %s', async (_, wrong, message) => {
    await writeFile(file(), JSON.stringify({ ...(await config()), ...wrong }))
    await expect(readAdapter(folder, base)).rejects.toThrow(message)
  })

  it('is refused for a model of another width, and where there is none', async () => {
    const wider = { ...base, model: { ...base.model, width: 16 } }
    await expect(readAdapter(folder, wider)).rejects.toThrow(/the model has F32 \[2,16\]/)
    await rm(file())
    await expect(readAdapter(folder, base)).rejects.toThrow(/no readable adapter_config.json/)
  })
})
