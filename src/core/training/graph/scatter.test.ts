import { describe, expect, it } from 'vitest'
import { ort } from '../onnxruntime.ts'
import { openSession, runSession } from '../session.ts'
import { count, encodeModel, Graph, gather, gradients, liveNodes, mul, reduceSum } from './index.ts'

const WIDTH = 128

/** A graph whose output is the gradient of a table, of which `picks` rows were picked. */
function gathering(rows: number, picks: number): Graph {
  const graph = new Graph()
  const table = graph.input('table', 'f32', [rows, WIDTH])
  const picked = gather(table, graph.input('indices', 'i32', [picks]))
  const loss = reduceSum(mul(picked, graph.input('dy', 'f32', [picks, WIDTH])))
  for (const slope of gradients(loss, [table])) graph.output('slope', slope)
  return graph
}

// How a sum is made depends on how much there is to add, and on how large the table is.
const CASES = [
  ['few', 65, 1560],
  ['many', 65, 6000],
  ['many, to a table that is too large to be copied often', 26_000, 4000],
] as const

describe('the gradient of rows that were picked from a table', () => {
  it.each(CASES)('is the sum of all, on several threads: %s', async (_, rows, picks) => {
    // Half of them are one row, in which threads would meet; sums of integers, which are exact.
    const indices = Int32Array.from({ length: picks }, (_, i) => (i % 2 ? 0 : (i * 7919) % rows))
    const dy = Float32Array.from({ length: picks * WIDTH }, (_, i) => ((i * 31) % 17) - 8)
    const expected = new Float32Array(rows * WIDTH)
    for (const [i, v] of dy.entries()) expected[indices[Math.floor(i / WIDTH)]! * WIDTH + (i % WIDTH)]! += v
    const session = await openSession(encodeModel(gathering(rows, picks)), { threads: 2 })
    const feeds = {
      table: new ort.Tensor('float32', new Float32Array(rows * WIDTH), [rows, WIDTH]),
      indices: new ort.Tensor('int32', indices, [picks]),
      dy: new ort.Tensor('float32', dy, [picks, WIDTH]),
    }
    for (let turn = 0; turn < 5; turn++) {
      const { slope } = await runSession(session, feeds)
      expect(bytes(slope!.data as Float32Array).equals(bytes(expected))).toBe(true) // f32, as declared
    }
    await session.release()
  })

  // Whether threads meet depends on the load; that they cannot is seen in the graph.
  it.each(CASES)('is never added up by several threads of ONNX Runtime: %s', (_, rows, picks) => {
    const scatters = liveNodes(gathering(rows, picks)).filter(({ type }) => type === 'ScatterND')
    for (const { inputs } of scatters) expect(count(inputs[2]!.shape)).toBeLessThan(210_000)
  })
})

const bytes = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  Buffer.from(buffer, byteOffset, byteLength)
