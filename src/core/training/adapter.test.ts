import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { narrowed, readBase } from './base.ts'
import { evaluator } from './evaluator.ts'
import type { Precision } from './layers/frozen.ts'
import { mergeAdapter } from './merge.ts'
import { modelOf } from './models/index.ts'
import { initialWeights, parameters } from './parameters.ts'
import { seeded } from './random.ts'
import { randomData } from './random-data.ts'
import { freshState, openRunner } from './runner.ts'
import { readSafetensors, writeSafetensors } from './safetensors/index.ts'
import { type LanguageSpec, trainingSpec } from './spec.ts'
import { f32, floats, type Tensors } from './tensor.ts'
import { train } from './train.ts'

const shared = {
  task: 'language',
  batch: 3,
  optimizer: { name: 'sgd', learningRate: 1, momentum: 0, weightDecay: 0 },
} as const
const gpt: LanguageSpec = {
  recipe: 'gpt',
  model: { vocabulary: 7, context: 5, width: 8, layers: 1, heads: 2, bias: true, activation: 'gelu' },
  ...shared,
}
const llama: LanguageSpec = {
  recipe: 'llama',
  model: {
    vocabulary: 7,
    context: 5,
    width: 8,
    hidden: 6,
    layers: 1,
    heads: 2,
    keyValueHeads: 1,
    epsilon: 1e-5,
    theta: 100,
    tied: false,
  },
  ...shared,
}
const targets = { gpt: ['c_attn', 'mlp.c_proj'], llama: ['q_proj', 'down_proj', 'lm_head'] }
const adapted = (spec: LanguageSpec, base: Precision = 'f32'): LanguageSpec => ({
  ...spec,
  adapter: { rank: 2, alpha: 6, targets: targets[spec.recipe], base },
})

/** Weights none of which is zero, so that every gradient is there. */
const drawn = (spec: LanguageSpec, seed: number): Tensors => {
  const random = seeded(seed)
  return new Map(
    [...initialWeights(spec, seed)].map(([name, { shape, data }]) => [
      name,
      f32(
        shape,
        Float32Array.from(data, Number).map(x => x + 0.4 * (random.float() - 0.5)),
      ),
    ]),
  )
}
const narrowedAll = (weights: Tensors, to: Precision): Tensors =>
  new Map(
    [...weights].flatMap(([name, { shape, data }]) =>
      narrowed(name, { dtype: 'F32', shape, data: data as Float32Array }, shape.length < 2 ? 'f32' : to),
    ),
  )

const data = randomData(gpt, 3)
/** Loss and gradients: what one step of plain gradient descent with rate 1 takes away. */
async function slopes(spec: LanguageSpec, weights: Tensors, base?: Tensors) {
  const runner = await openRunner(spec, data, freshState(spec, weights), { threads: 1, base })
  const [loss] = await runner.run(Int32Array.of(0, 1, 2), 0)
  const after = await runner.state()
  await runner.close()
  const found = parameters(spec).map(({ name }) => {
    const [before, now] = [floats(weights.get(name)!), floats(after.get(name)!)]
    return [name, before.map((x, i) => x - now[i]!)] as const
  })
  return { loss: loss!, of: new Map(found) }
}

/** `a · b` of `[m, k]` and `[k, n]`, either read transposed. */
function product(
  a: Float32Array,
  b: Float32Array,
  m: number,
  k: number,
  n: number,
  flip: 'a' | 'b' | '' = '',
) {
  return Float32Array.from({ length: m * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n]
    let sum = 0
    for (let l = 0; l < k; l++)
      sum += a[flip === 'a' ? l * m + i : i * k + l]! * b[flip === 'b' ? j * k + l : l * n + j]!
    return sum
  })
}
const flipped = (x: Float32Array, rows: number): Float32Array =>
  x.map((_, at) => x[(at % rows) * (x.length / rows) + Math.floor(at / rows)]!)
const close = (found: Float32Array, expected: Float32Array, tolerance = 1e-5) =>
  expect(found.reduce((most, x, i) => Math.max(most, Math.abs(x - expected[i]!)), 0)).toBeLessThan(tolerance)

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gradstr-adapter-'))
})
afterAll(() => rm(folder, { recursive: true }))

describe.each([gpt, llama])('an adapter of $recipe', spec => {
  it("has PEFT's names and shapes, and begins as the base", async () => {
    const own = initialWeights(adapted(spec), 1)
    const [a, b] = spec.recipe === 'gpt' ? ['2,8', '24,2'] : ['2,8', '8,2']
    const module = spec.recipe === 'gpt' ? 'transformer.h.0.attn.c_attn' : 'model.layers.0.self_attn.q_proj'
    expect(String(own.get(`base_model.model.${module}.lora_A.weight`)!.shape)).toBe(a)
    expect(String(own.get(`base_model.model.${module}.lora_B.weight`)!.shape)).toBe(b)
    expect(own.size).toBe(2 * targets[spec.recipe].length)
    const base = drawn(spec, 2)
    expect((await slopes(adapted(spec), own, base)).loss).toBeCloseTo((await slopes(spec, base)).loss, 5)
  })

  it('computes and learns what the base with the product added to it does', async () => {
    const [base, own] = [drawn(spec, 2), drawn(adapted(spec), 3)]
    const modules = [...own.keys()].filter(n => n.includes('lora_A')).map(n => n.slice(17, -14))
    const merged = new Map(base)
    for (const module of modules) {
      const { a, b, inputs, outputs, isConv1d } = matrices(spec, own, module)
      const added = product(b, a, outputs, 2, inputs).map(x => 3 * x)
      const laid = isConv1d ? flipped(added, outputs) : added
      const before = base.get(`${module}.weight`)!
      merged.set(
        `${module}.weight`,
        f32(
          before.shape,
          floats(before).map((x, i) => x + laid[i]!),
        ),
      )
    }
    for (const [name, tensor] of mergeAdapter(adapted(spec), drawn(spec, 2), own))
      close(floats(tensor), floats(merged.get(name)!), 1e-6)
    const [adapter, whole] = [await slopes(adapted(spec), own, base), await slopes(spec, merged)]
    expect(adapter.loss).toBeCloseTo(whole.loss, 5)
    for (const module of modules) {
      const { a, b, inputs, outputs, isConv1d } = matrices(spec, own, module)
      const stored = whole.of.get(`${module}.weight`)!
      const slope = isConv1d ? flipped(stored, inputs) : stored
      // y = x · (W + s·B·A)ᵀ: dA = s · Bᵀ · dW, dB = s · dW · Aᵀ.
      const of = (which: string) => adapter.of.get(`base_model.model.${module}.lora_${which}.weight`)!
      close(
        of('A'),
        product(b, slope, 2, outputs, inputs, 'a').map(x => 3 * x),
      )
      close(
        of('B'),
        product(slope, a, outputs, inputs, 2, 'b').map(x => 3 * x),
      )
    }
  })

  it.each([
    ['f16', 1e-3],
    ['i8', 2e-2],
  ] as const)('learns nearly the same from a base in %s', async (precision, tolerance) => {
    const [base, own] = [drawn(spec, 2), drawn(adapted(spec), 3)]
    const exact = await slopes(adapted(spec), own, base)
    const found = await slopes(adapted(spec, precision), own, narrowedAll(base, precision))
    expect(Math.abs(found.loss / exact.loss - 1)).toBeLessThan(tolerance)
    expect(found.loss).not.toBe(exact.loss)
    for (const [name, slope] of found.of) close(slope, exact.of.get(name)!, tolerance)
  })

  it('is trained from file to file: the result holds the adapter alone', async () => {
    const at = (name: string) => join(folder, `${spec.recipe}-${name}.safetensors`)
    const blocks = Uint16Array.from({ length: 6 * 6 }, (_, i) => i % 5)
    await writeSafetensors(
      at('data'),
      new Map([['tokens', { dtype: 'U16' as const, shape: [6, 6], data: blocks }]]),
    )
    await writeSafetensors(at('base'), drawn(spec, 2))
    await writeSafetensors(at('other'), drawn(spec, 9))
    await writeSafetensors(at('weights'), initialWeights(adapted(spec), 1))
    const request = {
      spec: { ...adapted(spec), optimizer: { ...spec.optimizer, learningRate: 0.2 } },
      weights: at('weights'),
      base: at('base'),
      data: at('data'),
      out: at('out'),
      steps: 40,
      seed: 1,
      threads: 1,
      checkpoints: { folder: join(folder, `${spec.recipe}-checkpoints`), every: 20 },
    }
    const { losses } = await train(request)
    expect(losses.at(-1)).toBeLessThan(0.9 * losses[0]!)
    const result = await readSafetensors(at('out'))
    expect([...result.keys()]).toEqual(parameters(adapted(spec)).map(({ name }) => name))
    const engine = await evaluator(request.spec, {
      threads: 1,
      base: await readBase(request.spec, at('base')),
    })
    const { loss } = await engine.losses(result, await engine.load(at('data')))
    await engine.close()
    expect(loss).toBeLessThan(losses[0]!)
    await expect(train({ ...request, base: at('other') })).rejects.toThrow(/another training run/)
    const { base: _, ...baseless } = request
    await expect(train(baseless)).rejects.toThrow(/none is named/)
  })
})

function matrices(spec: LanguageSpec, own: Tensors, module: string) {
  const { linear, shape } = modelOf(spec).parameters.find(({ name }) => name === `${module}.weight`)!
  const matrix = (which: string) => floats(own.get(`base_model.model.${module}.lora_${which}.weight`)!)
  return { a: matrix('A'), b: matrix('B'), ...linear!, isConv1d: spec.recipe === 'gpt', shape }
}

it('refuses an adapter that names no linear layer', () => {
  const spec = {
    ...llama,
    adapter: { rank: 2, alpha: 2, targets: ['proj', 'norm', 'embed_tokens'], base: 'f32' },
  }
  expect(trainingSpec.safeParse(spec).error?.message).toMatch(/no linear layer of these names/)
})
