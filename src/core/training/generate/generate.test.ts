import { afterEach, describe, expect, it } from 'vitest'
import { fromOrt, toOrt, weightFeeds } from '../feeds.ts'
import { inputWeights } from '../forward.ts'
import { causalAttention, concat, encodeModel, Graph, slice } from '../graph/index.ts'
import { cachedReading } from '../layers/reading.ts'
import { modelOf, type TextArchitecture } from '../models/index.ts'
import { initialWeights } from '../parameters.ts'
import { seeded } from '../random.ts'
import { openSession, runSession } from '../session.ts'
import { f32, floats, type Tensors } from '../tensor.ts'
import { generate } from './generate.ts'
import { Reader, type ReaderOptions } from './reader.ts'

const CONTEXT = 90
const architecture: TextArchitecture = {
  recipe: 'gpt',
  model: {
    vocabulary: 11,
    context: CONTEXT,
    width: 12,
    layers: 2,
    heads: 3,
    bias: true,
    activation: 'gelu_new',
  },
}
/** Larger than weights begin with, so that attention looks somewhere. */
const weightsOf = (of: TextArchitecture): Tensors =>
  new Map(
    [...initialWeights(of, 1)].map(([name, tensor]) => [
      name,
      f32(
        tensor.shape,
        floats(tensor).map(value => 8 * value),
      ),
    ]),
  )
const llama: TextArchitecture = {
  recipe: 'llama',
  model: {
    vocabulary: 11,
    context: CONTEXT,
    width: 12,
    hidden: 9,
    layers: 2,
    heads: 3,
    keyValueHeads: 1,
    epsilon: 1e-5,
    theta: 100,
    tied: false,
  },
}
const text = (length: number, seed = 1): number[] => {
  const random = seeded(seed)
  return Array.from({ length }, () => random.below(11))
}

const opened: Reader[] = []
const reader = (options: ReaderOptions = {}, of: TextArchitecture = architecture): Reader => {
  const one = new Reader(of, weightsOf(of), { threads: 1, ...options })
  opened.push(one)
  return one
}
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close()
})

/** Logits after each token of a whole context, by the graph that is trained. `[context, vocabulary]` */
async function trained(tokens: number[], of: TextArchitecture = architecture): Promise<Float32Array[]> {
  const graph = new Graph()
  const { forward, parameters } = modelOf(of)
  graph.output('y', forward(inputWeights(graph, of), graph.input('x', 'i32', [1, CONTEXT])))
  const session = await openSession(encodeModel(graph), { threads: 1 })
  const x = toOrt({ dtype: 'I32', shape: [1, CONTEXT], data: Int32Array.from(tokens) })
  const { y } = await runSession(session, { ...weightFeeds(parameters, weightsOf(of)), x })
  await session.release()
  return Array.from({ length: CONTEXT }, (_, i) => fromOrt(y).data.slice(11 * i, 11 * (i + 1)))
}

const difference = (a: Float32Array, b: Float32Array): number =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i]!)), Math.abs(a.length - b.length))

describe('reading with a cache', () => {
  it.each([architecture, llama])(
    'gives the logits of the $recipe that is trained, in pieces of any length',
    async of => {
      const tokens = text(CONTEXT)
      const expected = await trained(tokens, of)
      for (const pieces of [new Array(CONTEXT).fill(1), [70, 1, 1, 9, 2, 7], [3, 64, 20, 3], [CONTEXT]]) {
        const cached = reader({}, of)
        let at = 0
        for (const piece of pieces) {
          const logits = await cached.read(tokens.slice(at, at + piece))
          at += piece
          expect(difference(logits, expected[at - 1]!)).toBeLessThan(1e-4)
        }
        expect(at).toBe(CONTEXT)
      }
      expect(difference(expected[50]!, expected[51]!)).toBeGreaterThan(0.1)
    },
  )

  it('gives the logits that it gives without', async () => {
    const tokens = text(75)
    const [cached, plain] = [reader(), reader({ cache: false })]
    for (const piece of [tokens.slice(0, 60), ...tokens.slice(60).map(token => [token])])
      expect(difference(await cached.read(piece), await plain.read(piece))).toBeLessThan(1e-4)
  })

  it('forgets all but the newest half once the context is full; of another text it keeps what is the same', async () => {
    const tokens = text(CONTEXT + 1)
    const cached = reader()
    await cached.read(tokens.slice(0, CONTEXT))
    const after = await cached.read(tokens.slice(CONTEXT))
    const newest = await reader().read(tokens.slice(-CONTEXT / 2))
    expect(difference(after, newest)).toBeLessThan(1e-4)
    const other = tokens.slice(-CONTEXT / 2).with(9, (tokens.at(-CONTEXT / 2 + 9)! + 1) % 5)
    expect(cached.begin(other)).toBe(9)
    expect(difference(await cached.read(other.slice(9)), await reader().read(other))).toBeLessThan(1e-4)
    expect(cached.begin(other.slice(0, 20))).toBe(19)
    expect(
      difference(await cached.read(other.slice(19, 20)), await reader().read(other.slice(0, 20))),
    ).toBeLessThan(1e-4)
    expect(cached.begin([])).toBe(0)
  })

  it('shares keys and values among the heads of a group', async () => {
    const graph = new Graph()
    const [q, k, v] = [4, 2, 2].map((heads, i) => graph.input('qkv'[i]!, 'f32', [1, heads, 3, 5]))
    const { reading } = cachedReading(graph, 3, 0)
    graph.output('shared', reading.attend('layer', q!, k!, v!))
    const [k0, k1, v0, v1] = [k!, v!].flatMap(x =>
      [0, 1].map(at => slice(x, { axis: 1, start: at, end: at + 1 })),
    )
    const repeated = (a: typeof k0, b: typeof k1) => concat([a!, a!, b!, b!], 1)
    graph.output('expected', causalAttention(q!, repeated(k0, k1), repeated(v0, v1)))
    const session = await openSession(encodeModel(graph), { threads: 1 })
    const random = seeded(3)
    const feed = (...shape: number[]) =>
      toOrt(
        f32(
          shape,
          Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 4 * random.float() - 2),
        ),
      )
    const mask = f32([3, 3], Float32Array.of(0, -1e9, -1e9, 0, 0, -1e9, 0, 0, 0))
    const positions = toOrt({ dtype: 'I32', shape: [3], data: Int32Array.of(0, 1, 2) })
    const asked = { q: feed(1, 4, 3, 5), k: feed(1, 2, 3, 5), v: feed(1, 2, 3, 5) }
    const results = await runSession(session, { ...asked, mask: toOrt(mask), positions })
    await session.release()
    expect(difference(fromOrt(results.shared).data, fromOrt(results.expected).data)).toBeLessThan(1e-5)
  })
})

describe('generating', () => {
  const all = async (options: Partial<Parameters<typeof generate>[1]> = {}, with_ = reader()) => {
    const tokens: number[] = []
    const request = { prompt: [1, 2, 3], most: 120, seed: 5, temperature: 1, ...options }
    for await (const token of generate(with_, request)) tokens.push(token)
    return tokens
  }

  it('gives the same tokens for the same seed, with the cache and without, beyond the context too', async () => {
    const first = await all()
    expect(first).toHaveLength(120)
    expect(await all()).toEqual(first)
    expect(await all({ seed: 6 })).not.toEqual(first)
    const within = first.slice(0, CONTEXT - 3)
    expect(await all({ most: within.length }, reader({ cache: false }))).toEqual(within)
  })

  it('ends before a token that stops it, and when it is told to', async () => {
    const whole = await all()
    const stop = whole[20]!
    expect(await all({ stops: new Set([stop]) })).toEqual(whole.slice(0, whole.indexOf(stop)))
    const controller = new AbortController()
    const tokens: number[] = []
    const request = { prompt: [1], most: 50, seed: 1, temperature: 1, signal: controller.signal }
    for await (const token of generate(reader(), request)) {
      tokens.push(token)
      if (tokens.length === 4) controller.abort()
    }
    expect(tokens).toHaveLength(4)
  })
})
