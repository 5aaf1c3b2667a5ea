import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { toHalf } from './half.ts'
import type { Architecture } from './models/index.ts'
import { initialWeights } from './parameters.ts'
import { readPretrained } from './pretrained.ts'
import { writeSafetensors } from './safetensors/index.ts'
import { f32, floats, type Tensor, type Tensors } from './tensor.ts'

const gpt: Architecture = {
  recipe: 'gpt',
  model: { vocabulary: 7, context: 5, width: 8, layers: 1, heads: 2, bias: true, activation: 'gelu' },
}
const weights = initialWeights(gpt, 1)

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gradstr-pretrained-'))
})
afterEach(() => rm(folder, { recursive: true }))

const write = (tensors: Tensors, name = 'model') =>
  writeSafetensors(join(folder, `${name}.safetensors`), tensors, { format: 'pt' })
const changed = (name: string, tensor: Tensor): Tensors => new Map(weights).set(name, tensor)
const EMBEDDING = 'transformer.wte.weight'

/** The nearest numbers that a type holds, and how a file holds them. */
const stored = {
  F16: (x: Float32Array) => toHalf(x),
  BF16: (x: Float32Array) =>
    Uint16Array.from(new Uint32Array(Float32Array.from(x).buffer), word => word >>> 16),
}

describe('published weights', () => {
  it('are read from one file, whose names may lack the first part, tables and a tied head left out', async () => {
    const bare = new Map([...weights].map(([name, tensor]) => [name.replace('transformer.', ''), tensor]))
    bare.set('h.0.attn.bias', f32([1, 1, 5, 5], new Float32Array(25)))
    bare.set('lm_head.weight', weights.get(EMBEDDING)!)
    await write(bare)
    expect(await readPretrained(gpt, folder)).toEqual(weights)
  })

  it('are read from several files by their index', async () => {
    const all = [...weights]
    await write(new Map(all.slice(0, 5)), 'model-00001-of-00002')
    await write(new Map(all.slice(5)), 'model-00002-of-00002')
    const weight_map = Object.fromEntries(
      all.map(([name], i) => [name, `model-0000${i < 5 ? 1 : 2}-of-00002.safetensors`]),
    )
    await writeFile(join(folder, 'model.safetensors.index.json'), JSON.stringify({ weight_map }))
    expect(await readPretrained(gpt, folder)).toEqual(weights)
  })

  it.each(['F16', 'BF16'] as const)('are read from %s', async dtype => {
    const narrow = new Map(
      [...weights].map(([name, tensor]) => [
        name,
        { dtype, shape: tensor.shape, data: stored[dtype](floats(tensor)) },
      ]),
    )
    await write(narrow)
    const found = floats((await readPretrained(gpt, folder)).get(EMBEDDING)!)
    const exact = floats(weights.get(EMBEDDING)!)
    const worst = found.reduce((most, x, i) => Math.max(most, Math.abs(x / exact[i]! - 1)), 0)
    expect(worst).toBeLessThan(dtype === 'F16' ? 2 ** -10 : 2 ** -7)
    expect(worst).toBeGreaterThan(0)
  })

  it.each([
    ['lack one', () => new Map([...weights].slice(1)), /"transformer.wte.weight" is missing/],
    [
      'have one too many',
      () => changed('transformer.x', f32([1], new Float32Array(1))),
      /no "transformer.x"/,
    ],
    ['have one in another shape', () => changed(EMBEDDING, f32([8, 7], new Float32Array(56))), /F32 \[8,7\]/],
    [
      'have one of another type',
      () => changed(EMBEDDING, { dtype: 'I32', shape: [7, 8], data: new Int32Array(56) }),
      /is I32 \[7,8\]/,
    ],
    ['have one twice', () => changed('wte.weight', weights.get(EMBEDDING)!), /is there twice/],
    [
      'are no numbers',
      () => changed(EMBEDDING, f32([7, 8], new Float32Array(56).fill(Number.NaN))),
      /values that are not numbers/,
    ],
  ])('are refused where they %s', async (_, tensors, message) => {
    await write(tensors())
    await expect(readPretrained(gpt, folder)).rejects.toThrow(message)
  })

  it.each([
    [
      'leads out of the folder',
      JSON.stringify({ weight_map: { a: '../model.safetensors' } }),
      /does not say/,
    ],
    ['is no JSON', '{', /no JSON/],
    ['names no file', '{"weight_map":{}}', /is missing/],
  ])('are refused where the index %s', async (_, text, message) => {
    await writeFile(join(folder, 'model.safetensors.index.json'), text)
    await expect(readPretrained(gpt, folder)).rejects.toThrow(message)
  })

  it('are refused where there are none', async () => {
    await expect(readPretrained(gpt, folder)).rejects.toThrow(/neither/)
  })
})
