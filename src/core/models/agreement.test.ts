import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Encoding, encodeRows, type Feature, type Row, type TableEncoding } from '../datasets/index.ts'
import { evaluator, f32, readWeights, type Tensor } from '../training/index.ts'
import { exportModel } from './export.ts'

import { openModel } from './open.ts'
import type { Prediction } from './predictions.ts'
import { digits, flowers, houses, ingredients, shapes } from './small-model.test-support.ts'

// model.onnx, given raw rows, must answer what the training room's engine answers to the same rows encoded.

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-agreement-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Answers of model.onnx, and raw outputs of the evaluator. */
async function both(
  encoding: Encoding,
  seed: number,
  x: Tensor,
  ask: (model: Model) => Promise<Prediction[]>,
) {
  const options = await ingredients(folder, encoding, 12, seed)
  await exportModel(options)
  const engine = await evaluator(options.spec)
  const outputs = await engine.predict(await readWeights(options.spec, options.weights), x)
  await engine.close()
  const model = await openModel(options.out)
  const answers = await ask(model)
  await model.close()
  return { answers, outputs, width: options.spec.model.outputs }
}
type Model = Awaited<ReturnType<typeof openModel>>

function expectClasses(values: string[], { answers, outputs, width }: Awaited<ReturnType<typeof both>>) {
  expect(answers).toHaveLength(outputs.length / width)
  for (const [i, answer] of answers.entries()) {
    const logits = outputs.slice(i * width, (i + 1) * width)
    const top = Math.max(...logits)
    const sum = logits.reduce((total, z) => total + Math.exp(z - top), 0)
    for (const [c, z] of logits.entries())
      expect(Math.abs((answer.probabilities?.[c] ?? Number.NaN) - Math.exp(z - top) / sum)).toBeLessThan(1e-5)
    const [first = 0, second = 0] = Array.from(logits).sort((a, b) => b - a)
    if (first - second > 1e-5) expect(answer.prediction).toBe(values[logits.indexOf(first)])
  }
}

function expectNumbers(
  { mean, scale }: { mean: number; scale: number },
  found: Awaited<ReturnType<typeof both>>,
) {
  expect(found.answers).toHaveLength(found.outputs.length)
  for (const [i, { prediction }] of found.answers.entries()) {
    const expected = (found.outputs[i] ?? Number.NaN) * scale + mean
    // The output is float32: seven digits of a large number.
    const tolerance = 1e-5 * scale + 1e-7 * Math.abs(expected)
    expect(Math.abs(Number(prediction) - expected)).toBeLessThan(tolerance)
  }
}

const encoded = (encoding: TableEncoding, rows: Row[]): Tensor => {
  const x = encodeRows(encoding, rows)
  return f32([rows.length, x.length / rows.length], x)
}

const rows: Row[] = [
  { area: 71.25, city: 'Paris', built: 1969 },
  { area: null, city: null, built: null },
  { area: 500, city: 'Atlantis', built: 1066 },
  { area: -3, city: 'say "hi", 東京', built: 2024 },
  { area: 0, city: '', built: null },
]

describe('model.onnx and the encoded rows give the same', () => {
  it('classes, for numbers, texts and missing values', async () => {
    expectClasses(
      flowers.target.kind === 'class' ? flowers.target.values : [],
      await both(flowers, 3, encoded(flowers, rows), model => model.predict(rows)),
    )
  })

  it("numbers, in the target's unit", async () => {
    const target = { mean: 412_345.5, scale: 98_765 }
    expectNumbers(target, await both(houses, 4, encoded(houses, rows), model => model.predict(rows)))
  })

  it('classes of images', async () => {
    const pixels = Uint8Array.from({ length: 5 * 12 }, (_, i) => (i * 91) % 256)
    const x: Tensor = { dtype: 'U8', shape: [5, 12], data: pixels }
    expectClasses(['0', '1', '7'], await both(digits, 5, x, model => model.predictImages(pixels)))
  })

  it('answers for colours as pictures lie in memory, while it learned from one colour after another', async () => {
    const [rows, width, height] = [5, 4, 3]
    const planes = Uint8Array.from({ length: rows * 3 * width * height }, (_, i) => (i * i * 31) % 251)
    const picture = planes.map((_, at) => {
      const [row, rest] = [Math.floor(at / 36), at % 36]
      const [pixel, colour] = [Math.floor(rest / 3), rest % 3]
      return planes[row * 36 + colour * 12 + pixel]!
    })
    const x: Tensor = { dtype: 'U8', shape: [rows, 36], data: planes }
    expectClasses(['circle', 'cross'], await both(shapes, 5, x, model => model.predictImages(picture)))
  })

  it('answers for whatever table', async () => {
    await fc.assert(
      fc.asyncProperty(tables, fc.nat(1000), async ({ encoding, rows }, seed) => {
        const found = await both(encoding, seed, encoded(encoding, rows), model => model.predict(rows))
        const { target } = encoding
        if (target.kind === 'class') expectClasses(target.values, found)
        else expectNumbers(target, found)
      }),
      { numRuns: 25 },
    )
  })
})

/** Standard deviations from the mean. */
const away = fc.double({ noNaN: true, min: -4, max: 4 })
const scale = fc.double({ noNaN: true, min: 1e-3, max: 1e5 })
const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }).map(t => `${t.trim()}x`)

/** Around zero, or so far from it that float32 would not do: seconds since 1970, account numbers. */
const numeric = fc
  .record({
    scale,
    distance: fc.oneof(
      fc.double({ noNaN: true, min: -50, max: 50 }),
      fc.double({ noNaN: true, min: 1e4, max: 1e7 }),
    ),
    fill: away,
    indicator: fc.boolean(),
  })
  .map(({ scale, distance, fill, indicator }) => {
    const mean = distance * scale
    return { kind: 'numeric' as const, mean, scale, fill: mean + fill * scale, indicator }
  })
const feature = fc.oneof(
  numeric,
  fc.record({
    kind: fc.constant('categorical' as const),
    values: fc.uniqueArray(text, { minLength: 1, maxLength: 5 }),
  }),
  fc.record({
    kind: fc.constant('date' as const),
    layout: fc.constant('ymd' as const),
    time: fc.boolean(),
    mean: fc.double({ noNaN: true, min: 0, max: 30_000 }),
    scale: fc.double({ noNaN: true, min: 3_000, max: 9_000 }),
    indicator: fc.boolean(),
  }),
)
const names = [
  'label',
  'probabilities',
  'image',
  '0.weight',
  'answer/ArgMax',
  'constant',
  '東京 "x"',
  'a b',
  'axes',
]
const features = fc
  .array(feature, { minLength: 1, maxLength: names.length })
  .map(list => list.map((f, i): Feature => ({ ...f, name: names[i] ?? '' })))
const target = fc.oneof(
  fc.record({
    kind: fc.constant('class' as const),
    name: fc.constant('y'),
    values: fc.uniqueArray(text, { minLength: 2, maxLength: 5 }),
  }),
  fc.record({
    kind: fc.constant('number' as const),
    name: fc.constant('y'),
    mean: fc.constantFrom(0, 3.5, -20),
    scale,
  }),
)

const cellOf = (f: Feature): fc.Arbitrary<string | number | null> => {
  if (f.kind === 'categorical') return fc.option(fc.oneof(fc.constantFrom(...f.values), text))
  if (f.kind === 'date')
    return fc.option(
      fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map(d => d.toISOString()),
    )
  return fc.option(away.map(n => f.mean + n * f.scale))
}

type Table = { encoding: TableEncoding; rows: Row[] }
const tables: fc.Arbitrary<Table> = fc.record({ features, target }).chain(({ features, target }) =>
  fc.array(fc.tuple(...features.map(cellOf)), { minLength: 1, maxLength: 6 }).map(cells => ({
    encoding: { v: 1 as const, kind: 'table' as const, features, target },
    rows: cells.map(row => Object.fromEntries(features.map((f, i) => [f.name, row[i] ?? null]))),
  })),
)
