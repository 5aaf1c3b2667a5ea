import { describe, expect, it } from 'vitest'
import { Batches } from '../batches.ts'
import { PLAIN } from '../engines/selftest-specs.ts'
import { evaluator } from '../evaluator.ts'
import { count } from '../feeds.ts'
import { encodeModel, Graph } from '../graph/index.ts'
import { dropoutMask, type Place, seedWord } from '../noise.ts'
import { ort } from '../onnxruntime.ts'
import { initialWeights } from '../parameters.ts'
import { randomData } from '../random-data.ts'
import { freshState, openRunner } from '../runner.ts'
import { openSession, runSession } from '../session.ts'
import type { RowsSpec } from '../spec.ts'
import { Dropout } from './dropout.ts'
import { stepWord } from './noise.ts'

const i32 = (value: number) => new ort.Tensor('int32', Int32Array.of(value), [])

/** The masks of two places in the graph: `[rows, columns]` each. @param first  place of the first row in its batch */
async function masksOf(seed: number, step: number, [rows, columns]: [number, number], p: number, first = 0) {
  const graph = new Graph()
  const word = stepWord(graph.input('seed', 'i32', []), graph.input('step', 'i64', []))
  const dropout = new Dropout({ word, first: graph.input('first', 'i32', []), rows }, p)
  for (const name of ['one', 'two']) graph.output(name, dropout.mask(dropout.rows(graph, [rows]), columns))
  const session = await openSession(encodeModel(graph), { threads: 1 })
  const masks = await runSession(session, { seed: i32(seedWord(seed)), step: count(step), first: i32(first) })
  await session.release()
  return [masks.one, masks.two].map(mask => mask!.data as Float32Array)
}

describe('masks of dropout', () => {
  it('are in the graph what they are in TypeScript, bit for bit, at any seed, step and row', async () => {
    for (const [seed, step] of [
      [0, 0],
      [7, 123_456],
      [2 ** 40 + 3, 2 ** 30],
    ] as const) {
      const [one, two] = await masksOf(seed, step, [24, 33], 0.3)
      expect(one).toEqual(dropoutMask({ seed, step, place: 0 }, 24, 33, 0.3))
      expect(two).toEqual(dropoutMask({ seed, step, place: 1 }, 24, 33, 0.3))
      const [later] = await masksOf(seed, step, [8, 33], 0.3, 16)
      expect(later).toEqual(one!.slice(16 * 33))
    }
  })

  const [rows, columns] = [256, 256]
  const kept = (at: Partial<Place>, p = 0.5) =>
    dropoutMask({ seed: 1, step: 0, place: 0, ...at }, rows, columns, p)
  /** Correlation of what two masks keep, in standard errors. */
  const correlation = (a: Float32Array, b: Float32Array): number => {
    const agree = a.reduce((sum, value, i) => sum + Number(value > 0 === b[i]! > 0), 0)
    return (agree - a.length / 2) / Math.sqrt(a.length / 4)
  }

  it.each([0.1, 0.5, 0.8])('keep a part of 1 − %d, in every row and column', p => {
    const mask = kept({}, p)
    const error = (n: number) => Math.sqrt((p * (1 - p)) / n)
    const part = (values: Float32Array) => values.filter(value => value > 0).length / values.length
    expect(Math.abs(part(mask) - (1 - p))).toBeLessThan(5 * error(mask.length))
    for (let i = 0; i < rows; i++) {
      expect(Math.abs(part(mask.subarray(i * columns, (i + 1) * columns)) - (1 - p))).toBeLessThan(
        5 * error(columns),
      )
      expect(Math.abs(part(mask.filter((_, at) => at % columns === i)) - (1 - p))).toBeLessThan(
        5 * error(rows),
      )
    }
    expect(Math.max(...mask)).toBeCloseTo(1 / (1 - p), 5)
  })

  it('have nothing to do with those of other steps, places, seeds, rows and columns', () => {
    const mask = kept({})
    const others = [
      ...[1, 2, 1000].flatMap(n => [kept({ step: n }), kept({ place: n }), kept({ seed: 1 + n })]),
      ...[1, 2, 3, 16].flatMap(n => [
        mask.map((_, i) => mask[(i + n * columns) % mask.length]!),
        mask.map((_, i) => mask[i - (i % columns) + ((i + n) % columns)]!),
      ]),
    ]
    for (const other of others) expect(Math.abs(correlation(mask, other))).toBeLessThan(5)
    expect(correlation(mask, mask)).toBeGreaterThan(100)
  })
})

describe('a model with dropout', () => {
  const spec: RowsSpec = { ...(PLAIN[0] as Extract<RowsSpec, { recipe: 'mlp' }>), dropout: 0.5 }

  async function trained(seed: number, of: RowsSpec = spec) {
    const data = randomData(of, 20)
    const runner = await openRunner(of, data, freshState(of, initialWeights(of, 1)), { threads: 1, seed })
    const losses = await runner.run(new Batches(data.rows, of.batch, 3).of(0, 6), 0)
    await runner.close()
    return [...losses]
  }

  it('takes the same steps again from the same seed, and others from another', async () => {
    const [losses, again, other] = [await trained(1), await trained(1), await trained(2)]
    expect(again).toEqual(losses)
    expect(other).not.toEqual(losses)
    expect(await trained(1, { ...spec, dropout: 0 } as RowsSpec)).not.toEqual(losses)
  })

  it('drops nothing when it is asked', async () => {
    const { x } = randomData(spec, 20)
    const answers = async (of: RowsSpec) => {
      const engine = await evaluator(of, { threads: 1 })
      const found = await engine.predict(initialWeights(of, 1), x)
      await engine.close()
      return found
    }
    expect(await answers(spec)).toEqual(await answers({ ...spec, dropout: undefined } as RowsSpec))
  })
})
