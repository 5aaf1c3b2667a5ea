import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { toOrt } from '../feeds.ts'
import { forward, inputWeights } from '../forward.ts'
import { encodeModel, Graph } from '../graph/index.ts'
import { evaluator, initialWeights, parameters, readData, train, writeSafetensors } from '../index.ts'
import { openSession, runSession } from '../session.ts'
import type { LanguageSpec } from '../spec.ts'
import { floats, type Tensor } from '../tensor.ts'

const spec: LanguageSpec = {
  recipe: 'gpt',
  task: 'language',
  model: { vocabulary: 7, context: 6, width: 8, layers: 2, heads: 2, bias: true, activation: 'gelu_new' },
  batch: 4,
  optimizer: {
    name: 'adamw',
    learningRate: 0.02,
    beta1: 0.9,
    beta2: 0.99,
    epsilon: 1e-8,
    weightDecay: 0.01,
    decayed: 'matrices',
    clip: 1,
  },
}

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gradstr-gpt-'))
})
afterAll(() => rm(folder, { recursive: true }))

const u16 = (shape: number[], values: number[]): Tensor => ({
  dtype: 'U16',
  shape,
  data: Uint16Array.from(values),
})
const u8 = (shape: number[], values: number[]): Tensor => ({
  dtype: 'U8',
  shape,
  data: Uint8Array.from(values),
})

/** Blocks of a text that counts 0, 1, 2, 3, 4, 0, … */
const counting = (rows: number): number[] =>
  Array.from({ length: rows * 7 }, (_, i) => (i % 7) + Math.floor(i / 7)).map(i => i % 5)

async function written(name: string, tensors: Record<string, Tensor>): Promise<string> {
  const path = join(folder, `${name}.safetensors`)
  await writeSafetensors(path, new Map(Object.entries(tensors)))
  return path
}

describe('GPT', () => {
  it("has the parameters of Hugging Face's GPT2LMHeadModel", () => {
    const own = parameters({ ...spec, model: { ...spec.model, layers: 1 } })
    expect(own.map(({ name, shape }) => `${name} ${shape}`)).toEqual([
      'transformer.wte.weight 7,8',
      'transformer.wpe.weight 6,8',
      'transformer.h.0.ln_1.weight 8',
      'transformer.h.0.ln_1.bias 8',
      'transformer.h.0.attn.c_attn.weight 8,24',
      'transformer.h.0.attn.c_attn.bias 24',
      'transformer.h.0.attn.c_proj.weight 8,8',
      'transformer.h.0.attn.c_proj.bias 8',
      'transformer.h.0.ln_2.weight 8',
      'transformer.h.0.ln_2.bias 8',
      'transformer.h.0.mlp.c_fc.weight 8,32',
      'transformer.h.0.mlp.c_fc.bias 32',
      'transformer.h.0.mlp.c_proj.weight 32,8',
      'transformer.h.0.mlp.c_proj.bias 8',
      'transformer.ln_f.weight 8',
      'transformer.ln_f.bias 8',
    ])
  })

  it('predicts from the tokens before, never from those to come', async () => {
    const graph = new Graph()
    graph.output('logits', forward(spec, graph.input('x', 'i32', [1, 6]), inputWeights(graph, spec)))
    const session = await openSession(encodeModel(graph), { threads: 1 })
    const weights = Object.fromEntries([...initialWeights(spec, 3)].map(([name, t]) => [name, toOrt(t)]))
    const logits = async (tokens: number[]) => {
      const x = toOrt({ dtype: 'I32', shape: [1, 6], data: Int32Array.from(tokens) })
      return Array.from((await runSession(session, { ...weights, x })).logits!.data as Float32Array)
    }
    const [before, after] = [await logits([1, 2, 3, 4, 5, 6]), await logits([1, 2, 3, 6, 0, 2])]
    await session.release()
    expect(after.slice(0, 3 * 7)).toEqual(before.slice(0, 3 * 7))
    expect(after.slice(3 * 7)).not.toEqual(before.slice(3 * 7))
  })

  it('begins as good as chance and learns what follows from what', async () => {
    const data = await written('counting', { tokens: u16([20, 7], counting(20)) })
    const weights = await written('fresh', Object.fromEntries(initialWeights(spec, 1)))
    const out = join(folder, 'trained.safetensors')
    const { losses } = await train({ spec, weights, data, out, steps: 150, seed: 1, threads: 1 })
    expect(losses[0]).toBeCloseTo(Math.log(7), 1)
    expect(losses.at(-1)).toBeLessThan(0.3)
  })

  it('learns nothing from a token that does not count', async () => {
    const masked = { ...spec, masked: true }
    const mask = u8(
      [8, 6],
      Array.from({ length: 48 }, (_, i) => (i % 6 < 4 ? 0 : 1)),
    )
    const [tokens, others] = [
      counting(8),
      counting(8).map((token, i) => (i % 7 > 0 && i % 7 < 4 ? 6 : token)),
    ]
    const weights = initialWeights(spec, 1)
    const engine = await evaluator(masked, { threads: 1 })
    const loss = async (name: string, values: Record<string, Tensor>) =>
      engine.losses(weights, await engine.load(await written(name, values)))
    const all = await loss('all', { tokens: u16([8, 7], tokens), mask })
    const none = await loss('none', { tokens: u16([8, 7], tokens), mask: u8([8, 6], new Array(48).fill(0)) })
    const [whole, changed] = [
      await readData(masked, await written('a', { tokens: u16([8, 7], tokens), mask })),
      await readData(masked, await written('b', { tokens: u16([8, 7], others), mask })),
    ]
    await engine.close()
    expect(all.loss).toBeGreaterThan(1)
    expect(none.loss).toBeNaN()
    expect(changed.y.data).toEqual(whole.y.data)
    expect([...whole.y.data].filter(token => token === -1)).toHaveLength(32)
  })

  const bad: [string, Record<string, Tensor>, RegExp][] = [
    ['holds rows instead of tokens', { x: u8([2, 7], new Array(14).fill(0)) }, /no tensor "tokens"/],
    [
      'has blocks of another length',
      { tokens: u16([2, 6], new Array(12).fill(0)) },
      /"tokens" is U16 \[2,6\], expected .* \[2, 7\]/,
    ],
    [
      'has a mask of another size',
      { tokens: u16([1, 7], new Array(7).fill(0)), mask: u8([1, 7], new Array(7).fill(1)) },
      /"mask" is U8 \[1,7\]/,
    ],
    [
      'has a token beyond the vocabulary',
      { tokens: u16([2, 7], [...new Array(13).fill(0), 7]) },
      /row 1 has token 7, the model knows 0 to 6/,
    ],
    ['is empty', { tokens: u16([0, 7], []) }, /no rows/],
  ]
  it.each(bad)('refuses a text that %s', async (name, tensors, message) => {
    await expect(readData(spec, await written(name, tensors))).rejects.toThrow(message)
  })

  it('has a loss that does not depend on how a dataset is cut into calls', async () => {
    const path = await written('cut', { tokens: u16([70, 7], counting(70)) })
    const engine = await evaluator(spec, { threads: 1 })
    const data = await engine.load(path)
    const weights = initialWeights(spec, 5)
    const whole = await engine.losses(weights, data)
    const half = (from: number) =>
      engine.losses(
        weights,
        data,
        Array.from({ length: 35 }, (_, i) => from + i),
      )
    const halves = [await half(0), await half(35)]
    await engine.close()
    expect(whole.rows).toBe(70)
    expect((halves[0]!.loss + halves[1]!.loss) / 2).toBeCloseTo(whole.loss, 5)
    expect(floats(weights.get('transformer.ln_f.weight')!)).toEqual(new Float32Array(8).fill(1))
  })
})
