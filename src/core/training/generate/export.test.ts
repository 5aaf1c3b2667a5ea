import { describe, expect, it } from 'vitest'
import { fromOrt, toOrt } from '../feeds.ts'
import type { TextArchitecture } from '../models/index.ts'
import { initialWeights } from '../parameters.ts'
import { type Feeds, openSession, runSession } from '../session.ts'
import { f32 } from '../tensor.ts'
import { languageModelFile } from './export.ts'
import { Reader } from './reader.ts'

const shared = { vocabulary: 11, context: 9, width: 12, layers: 2, heads: 3 }
const gpt: TextArchitecture = {
  recipe: 'gpt',
  model: { ...shared, bias: true, activation: 'gelu_new' },
}
const llama: TextArchitecture = {
  recipe: 'llama',
  model: { ...shared, hidden: 9, keyValueHeads: 1, width: 12, epsilon: 1e-5, theta: 100, tied: true },
}
const text = [3, 1, 4, 1, 5, 9]
const i32 = (...values: number[]) => ({ dtype: 'I32' as const, data: Int32Array.from(values) })

/** Logits after the text, as our own reader gives them. */
async function expected(architecture: TextArchitecture): Promise<Float32Array> {
  const reader = new Reader(architecture, initialWeights(architecture, 1), { threads: 1 })
  const logits = await reader.read(text)
  await reader.close()
  return logits
}
const difference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), Math.abs(a.length - b.length))

describe.each([gpt, llama])('the ONNX file of a $recipe', architecture => {
  const { context } = architecture.model
  const file = (cache: boolean) => languageModelFile(architecture, initialWeights(architecture, 1), { cache })

  it.each([true, false])("has ONNX's own operators alone (cache: %s)", cache => {
    expect(Buffer.from(file(cache)).includes('FusedMatMul')).toBe(false)
  })

  it('gives the logits of every place without a cache', async () => {
    const session = await openSession(file(false), { threads: 1 })
    const tokens = toOrt({ shape: [1, context], ...i32(...text, 0, 0, 0) })
    const { logits } = await runSession(session, { tokens })
    await session.release()
    const last = fromOrt(logits).data.slice(11 * (text.length - 1), 11 * text.length)
    expect(difference(last, await expected(architecture))).toBeLessThan(1e-5)
  })

  it('reads a token at a time with one', async () => {
    const session = await openSession(file(true), { threads: 1 })
    const past = new Map<string, { data: Float32Array; shape: number[] }>()
    for (const { name, ...input } of session.inputMetadata)
      if (name.startsWith('past/') && 'shape' in input)
        past.set(name, {
          data: new Float32Array(input.shape.reduce<number>((n, d) => n * Number(d), 1)),
          shape: input.shape.map(Number),
        })
    let logits = new Float32Array(0)
    for (const [at, token] of text.entries()) {
      const results: Feeds = await runSession(session, {
        ...Object.fromEntries([...past].map(([name, { shape, data }]) => [name, toOrt(f32(shape, data))])),
        tokens: toOrt({ shape: [1, 1], ...i32(token) }),
        positions: toOrt({ shape: [1], ...i32(at) }),
        last: toOrt({ shape: [1], ...i32(0) }),
        mask: toOrt(
          f32(
            [1, context + 1],
            Float32Array.from({ length: context + 1 }, (_, j) => (j < at || j === context ? 0 : -1e9)),
          ),
        ),
      })
      logits = Float32Array.from(fromOrt(results.logits).data)
      for (const [name, { data, shape }] of past) {
        const fresh = fromOrt(results[name.replace('past/', 'new/')]).data
        const [, groups = 1, room = 1, d = 1] = shape
        for (let group = 0; group < groups; group++)
          data.set(fresh.subarray(group * d, (group + 1) * d), (group * room + at) * d)
      }
    }
    await session.release()
    expect(past.size).toBe(4)
    expect(difference(logits, await expected(architecture))).toBeLessThan(1e-5)
  })
})

it('is refused for a model that does not fit into one', () => {
  const huge: TextArchitecture = { ...gpt, model: { ...gpt.model, vocabulary: 1_000_000, width: 600 } }
  expect(() => languageModelFile(huge, new Map(), { cache: false })).toThrow(
    /does not fit into one ONNX file/,
  )
})
