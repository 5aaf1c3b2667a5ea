import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { conv2d, gather, maxPool2d, mul, type Value } from '../index.ts'
import { compile, draw, expectClose } from '../judges.test-support.ts'
import { pick } from '../ops/pick.ts'
import { convolveBlocks } from './blocks.ts'
import { winograd } from './convolve.ts'
import { filtering, type Matrix } from './toom-cook.ts'

const between = (min: number, max: number) => fc.integer({ min, max })
const shapes = fc
  .record({
    // More than one chunk of pictures, and chunks of two sizes.
    n: fc.constantFrom(1, 3, 9, 17),
    inputs: between(1, 3),
    outputs: between(1, 3),
    h: between(2, 9),
    w: between(2, 9),
    kernel: fc.constantFrom(3, 5),
  })
  .map(({ n, inputs, outputs, h, w, kernel }) => [
    [n, inputs, h, w],
    [outputs, inputs, kernel, kernel],
  ])

type Way = (x: Value, w: Value) => Value
const pooled: Way = (x, w) =>
  maxPool2d(conv2d(x, w, { padding: (Number(w.shape[2]) - 1) / 2 }), { kernel: 2 })

/** A weighted sum of all results, and its gradients. */
async function answers(way: Way, of: number[][], values: number[][]): Promise<number[][]> {
  const { run, release } = await compile({ shapes: of, ours: (x, w) => way(x!, w!) }, 'f32')
  const { loss, slopes } = await run(values)
  await release()
  return [[loss], ...slopes]
}

const equals = (fast: Way, general: Way) =>
  fc.assert(
    fc.asyncProperty(shapes, fc.nat(), async (of, seed) => {
      const values = draw(of, undefined, seed)
      expectClose(await answers(fast, of, values), await answers(general, of, values), 5e-4)
    }),
    { numRuns: 12 },
  )

describe('results and gradients are those of the general way', () => {
  it("for Winograd's convolution", () => equals(winograd, pooled))
  it('for the convolution by blocks', () => equals(convolveBlocks, pooled))
})

describe('the minimal filtering algorithm', () => {
  const times = (m: Matrix, v: number[]) => m.map(row => row.reduce((sum, a, i) => sum + a * (v[i] ?? 0), 0))
  it.each([
    [2, 3],
    [4, 3],
    [2, 5],
    [4, 5],
    [6, 3],
  ])('F(%i, %i) is the convolution', (m, r) => {
    const { output, kernel, input } = filtering(m, r)
    const [d = [], g = []] = draw([[m + r - 1], [r]], undefined, m + r)
    const products = times(kernel, g).map((v, i) => v * (times(input, d)[i] ?? 0))
    for (const [i, y] of times(output, products).entries())
      expect(y).toBeCloseTo(
        g.reduce((sum, weight, k) => sum + weight * (d[i + k] ?? 0), 0),
        10,
      )
  })
})

describe('rows picked by a known table', () => {
  const rows = [3, 0, -1, 3, 1, -1, 3]
  const plain = [3, 0, 4, 3, 1, 4, 3]
  it('are those that gather takes, with the same gradient', async () => {
    const values = draw([[2, 5, 3]], undefined, 1)
    // What gather takes from row 4, which is nothing but zeros here, is what −1 stands for.
    values[0] = values[0]!.map((v, i) => (Math.floor(i / 3) % 5 === 4 ? 0 : v))
    const run = async (way: (x: Value) => Value) => {
      const compiled = await compile({ shapes: [[2, 5, 3]], ours: x => way(x!) }, 'f64')
      const { loss, slopes } = await compiled.run(values)
      await compiled.release()
      return [[loss], slopes[0]!.filter((_, i) => Math.floor(i / 3) % 5 !== 4)]
    }
    const indices = (x: Value) => x.graph.constant('i64', [rows.length], plain)
    expectClose(
      await run(x => mul(pick(x, { name: 'rows', rows }), 2)),
      await run(x => mul(gather(x, indices(x), { axis: 1 }), 2)),
      1e-12,
    )
  })

  it('must be there', async () => {
    const out = compile({ shapes: [[2, 3]], ours: x => pick(x!, { name: 'out', rows: [2] }) }, 'f64')
    await expect(out).rejects.toThrow(/\[2, 3\] names rows that are not there/)
  })
})
