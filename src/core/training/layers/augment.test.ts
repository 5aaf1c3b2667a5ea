import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Batches } from '../batches.ts'
import { movedPicture } from '../engines/reference.ts'
import { FAMILIES } from '../engines/selftest-specs.ts'
import { evaluator } from '../evaluator.ts'
import { count } from '../feeds.ts'
import { encodeModel, Graph } from '../graph/index.ts'
import { AUGMENTED, drawn, seedWord } from '../noise.ts'
import { ort } from '../onnxruntime.ts'
import { initialWeights } from '../parameters.ts'
import { randomData } from '../random-data.ts'
import { freshState, openRunner } from '../runner.ts'
import { openSession, runSession } from '../session.ts'
import { type RowsSpec, type SpecOf, trainingSpec } from '../spec.ts'
import { trainingGraph } from '../step.ts'
import { type Augment, augmented, outcomes } from './augment.ts'
import { stepWord } from './noise.ts'

type Image = [channels: number, height: number, width: number]

const drawsOf = (seed: number, step: number, rows: number, augment: Augment) =>
  drawn({ seed, step, place: AUGMENTED }, rows, outcomes(augment))

/** Pictures that go through the graph. @param first  place of the first of them in its batch */
async function throughGraph(pictures: Float32Array, image: Image, augment: Augment, at: At, first = 0) {
  const rows = pictures.length / (image[0] * image[1] * image[2])
  const graph = new Graph()
  const word = stepWord(graph.input('seed', 'i32', []), graph.input('step', 'i64', []))
  const source = { word, first: graph.input('first', 'i32', []), rows }
  graph.output('y', augmented(graph.input('x', 'f32', [rows, ...image]), augment, source))
  const session = await openSession(encodeModel(graph), { threads: 1 })
  const i32 = (value: number) => new ort.Tensor('int32', Int32Array.of(value), [])
  const { y } = await runSession(session, {
    ...{ seed: i32(seedWord(at.seed)), step: count(at.step), first: i32(first) },
    x: new ort.Tensor('float32', pictures, [rows, ...image]),
  })
  await session.release()
  return y!.data as Float32Array
}
interface At {
  seed: number
  step: number
}

const picturesOf = (rows: number, [channels, h, w]: Image) =>
  Float32Array.from({ length: rows * channels * h * w }, (_, i) => i + 1)

describe('augmented pictures', () => {
  const image: fc.Arbitrary<Image> = fc.tuple(
    fc.integer({ min: 1, max: 3 }),
    fc.integer({ min: 2, max: 7 }),
    fc.integer({ min: 2, max: 7 }),
  )
  const seed = fc.integer({ min: 0, max: 2 ** 53 - 1 })
  const step = fc.integer({ min: 0, max: 2 ** 31 - 1 })

  it('are those of the definition with the draws of their rows, a part of a batch as in the whole', async () => {
    const given = [image, fc.boolean(), fc.integer({ min: 0, max: 5 }), seed, step] as const
    const check = async (size: Image, flip: boolean, most: number, seed: number, step: number) => {
      const crop = Math.min(most, size[1] - 1, size[2] - 1)
      const augment = crop > 0 ? { flip, crop } : { flip }
      const [rows, first] = [6, 4]
      const pictures = picturesOf(rows, size)
      const width = pictures.length / rows
      const draws = drawsOf(seed, step, rows, augment)
      const expected = Array.from({ length: rows }, (_, i) => {
        const picture = pictures.subarray(i * width, (i + 1) * width)
        return [...movedPicture(picture, size, draws.subarray(3 * i, 3 * i + 3), crop)]
      }).flat()
      const whole = await throughGraph(pictures, size, augment, { seed, step })
      expect([...whole]).toEqual(expected)
      const part = await throughGraph(pictures.slice(first * width), size, augment, { seed, step }, first)
      expect([...part]).toEqual(expected.slice(first * width))
    }
    await fc.assert(fc.asyncProperty(...given, check), { numRuns: 15 })
  })

  it('stay what they are where nothing is drawn: no mirror, and a corner that is the frame’s', async () => {
    const size: Image = [2, 3, 5]
    const picture = picturesOf(1, size)
    expect(movedPicture(picture, size, Int32Array.of(0, 2, 2), 2)).toEqual(picture)
    expect(await throughGraph(picture, size, {}, { seed: 3, step: 4 })).toEqual(picture)
    const augment = { flip: true, crop: 1 }
    const still = Array.from({ length: 100 }, (_, step) => step).filter(
      step => drawsOf(1, step, 1, augment).join() === '0,1,1',
    )
    expect(still.length).toBeGreaterThan(0)
    for (const step of still)
      expect(await throughGraph(picture, size, augment, { seed: 1, step })).toEqual(picture)
  })

  const augment = { flip: true, crop: 4 }
  const [ROWS, STEPS] = [64, 100]
  const all = (seed: number) =>
    Array.from({ length: STEPS }, (_, step) => [...drawsOf(seed, step, ROWS, augment)]).flat()

  it('are drawn evenly: each outcome about as often, and pairs of one row, of neighbours and of steps too', () => {
    const draws = all(7)
    const sizes = outcomes(augment)
    const of = (kind: number) => draws.filter((_, i) => i % 3 === kind)
    /** χ² of pairs of outcomes, by its mean and deviation. */
    const surprise = (a: number[], b: number[], cells: [number, number]) => {
      const counts = new Array<number>(cells[0] * cells[1]).fill(0)
      for (const [i, value] of a.entries()) counts[value * cells[1] + b[i]!]!++
      const expected = a.length / counts.length
      const square = counts.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0)
      return (square - (counts.length - 1)) / Math.sqrt(2 * (counts.length - 1))
    }
    for (const a of [0, 1, 2]) {
      for (const lag of [1, 2, 3, ROWS, 2 * ROWS]) {
        const later = [...of(a).slice(lag), ...of(a).slice(0, lag)]
        expect(Math.abs(surprise(of(a), later, [sizes[a]!, sizes[a]!]))).toBeLessThan(5)
      }
      for (const b of [0, 1, 2].filter(b => b > a))
        expect(Math.abs(surprise(of(a), of(b), [sizes[a]!, sizes[b]!]))).toBeLessThan(5)
    }
    // The judge can tell.
    expect(surprise(of(1), of(1), [9, 9])).toBeGreaterThan(100)
  })

  it('are others in each row, step and run, and the same again from the same seed', () => {
    expect(all(7)).toEqual(all(7))
    const rows = Array.from({ length: ROWS }, (_, row) =>
      drawsOf(7, 0, ROWS, augment)
        .slice(3 * row, 3 * row + 3)
        .join(),
    )
    // Of 162 outcomes, 64 draws meet about 53.
    expect(new Set(rows).size).toBeGreaterThan(40)
    const alike = (a: number[], b: number[]) => a.filter((draw, i) => draw === b[i]).length / a.length
    // A half, and twice a ninth.
    const byChance = (1 / 2 + 2 / 9) / 3
    expect(alike(all(7), all(8))).toBeCloseTo(byChance, 1)
    expect(alike(all(7), [...all(7).slice(3 * ROWS), ...all(7).slice(0, 3 * ROWS)])).toBeCloseTo(byChance, 1)
  })
})

describe('a spec of pictures', () => {
  const spec = FAMILIES.find(({ recipe }) => recipe === 'cnn') as SpecOf<'cnn'>
  const changed = (more: object): RowsSpec => ({ ...spec, ...more }) as SpecOf<'cnn'>
  const refusal = (values: object) =>
    trainingSpec.safeParse(values).error?.issues.map(({ path, message }) => [path.join('.'), message])

  async function trained(of: RowsSpec, seed: number) {
    const data = randomData(of, 20)
    const runner = await openRunner(of, data, freshState(of, initialWeights(of, 1)), { threads: 1, seed })
    const losses = await runner.run(new Batches(data.rows, of.batch, 3).of(0, 4), 0)
    await runner.close()
    return [...losses]
  }

  it('trains on the same pictures again from the same seed, and on others from another', async () => {
    const of = changed({ augment: { flip: true, crop: 2 } })
    const losses = await trained(of, 1)
    expect(await trained(of, 1)).toEqual(losses)
    expect(await trained(of, 2)).not.toEqual(losses)
    expect(await trained(spec, 1)).not.toEqual(losses)
  })

  it('is looked at as it is, outside of training', async () => {
    const { x } = randomData(spec, 20)
    const answers = async (of: RowsSpec) => {
      const engine = await evaluator(of, { threads: 1 })
      const found = await engine.predict(initialWeights(of, 1), x)
      await engine.close()
      return found
    }
    const noisy = changed({ augment: { flip: true, crop: 2 }, dropout: 0.5 })
    expect(await answers(noisy)).toEqual(await answers(spec))
  })

  it('has the graph that it always had where nothing is drawn', () => {
    const plain = encodeModel(trainingGraph(spec))
    for (const augment of [undefined, {}, { flip: false }])
      expect(encodeModel(trainingGraph(changed({ augment, dropout: 0 })))).toEqual(plain)
    expect(trainingGraph(spec).inputs.map(({ name }) => name)).not.toContain('seed')
  })

  it('is refused where a crop leaves nothing of the picture, and where there is no picture', () => {
    const augment = { flip: true, crop: 7 }
    expect(trainingSpec.parse({ ...spec, augment })).toMatchObject({ augment })
    expect(refusal({ ...spec, augment: { crop: 8 } })).toEqual([
      ['augment.crop', 'a crop must leave some of the picture to be seen'],
    ])
    for (const crop of [0, 1.5, -1]) expect(refusal({ ...spec, augment: { crop } })).toHaveLength(1)
    for (const other of FAMILIES.filter(({ task }) => task === 'language'))
      expect(refusal({ ...other, augment })).toEqual([['augment', 'only models of pictures augment']])
  })
})
