import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { BLOCK, type Block } from '../cells/column.ts'
import { testFolder } from '../folder.test-support.ts'
import { randomFrom } from '../random.ts'
import { NONE } from '../split.ts'
import { crewOf } from '../table/crew.ts'
import { Spool } from '../table/spool.ts'
import { bytesFor, type Columns } from './encode-blocks.ts'
import { handsFor } from './hands.ts'

const folder = testFolder()
const crew = crewOf(2)
afterAll(() => crew.stop())

const COUNT = 3
const numeric = { kind: 'numeric', name: 'n', mean: 0.3, scale: 0.7, fill: 0.3, indicator: true } as const
const city = { kind: 'categorical', name: 'c', values: ['a', 'b'] } as const
const date = {
  kind: 'date',
  name: 'd',
  layout: 'ymd',
  time: true,
  mean: 9,
  scale: 3,
  indicator: true,
} as const
const number = { kind: 'number', name: 'n', mean: 0.1, scale: 3 } as const
const names = { kind: 'class', name: 'c', values: ['a', 'b', 'c'] } as const
const classes = { kind: 'codes', classOf: Int32Array.of(2, NONE, 0, 1) } as const
const classOf = Int32Array.of(1, 0, 2)
const features = [
  { feature: numeric, at: 0, slots: undefined },
  { feature: { ...city, values: [...city.values] }, at: 1, slots: Int32Array.of(1, -1, 0, -1) },
  { feature: date, at: 2, slots: undefined },
]
const width = 2 + 3 + 8

/** Numbers, codes and days with gaps, in blocks; `memory` bytes of them stay in memory. */
function spoolOf(sizes: readonly number[], memory: number): Spool {
  const random = randomFrom(sizes.length)
  const gap = (value: number) => (random() < 0.1 ? Number.NaN : value)
  const spool = new Spool(folder.path('.'), memory)
  for (const rows of sizes) {
    const block: Block = {
      rows,
      columns: [
        Float64Array.from({ length: BLOCK }, () => gap(random() * 9 - 1)),
        Int32Array.from({ length: BLOCK }, () => Math.floor(random() * 6) - 2),
        Float64Array.from({ length: BLOCK }, () => gap(random() * 20_000)),
      ],
    }
    spool.append(block)
  }
  return spool
}

const bucketsOf = (sizes: readonly number[]) => {
  const random = randomFrom(7)
  return sizes.map(rows => Int32Array.from({ length: rows }, () => Math.floor(random() * (COUNT + 1)) - 1))
}

describe('a table fitted and encoded in threads', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 4 })

  it('gives what it gives in one thread, to the bit, whether its blocks lie in memory or in a file', async () => {
    const targets: Columns['target'][] = [
      { encoding: number, at: 0, classes: undefined, classOf: undefined },
      { encoding: { ...names, values: [...names.values] }, at: 1, classes, classOf },
    ]
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.constantFrom(0, 5_000, Infinity),
        fc.constantFrom(...targets),
        async (rows, memory, target) => {
          const [here, there] = [handsFor(1, 3, crew), handsFor(10_000_000, 3, crew)]
          const spool = spoolOf(rows, memory)
          const [blocks, buckets] = [spool.stored, bucketsOf(rows)]
          const tallied = [
            { at: 2, texts: undefined },
            { at: 1, texts: 4 },
            { at: 0, texts: undefined },
          ]
          const asked = { blocks, buckets, columns: tallied }
          expect(await there.tally(asked)).toEqual(await here.tally(asked))
          const columns = { features, target, width }
          const total = rows.reduce((a, b) => a + b, 0)
          const request = (before: number) => {
            const memory = new SharedArrayBuffer(bytesFor(total, columns))
            new Uint8Array(memory).fill(before) // what an earlier batch left
            return { columns, blocks, buckets, count: COUNT, memory }
          }
          expect(await there.encode(request(0xaa))).toEqual(await here.encode(request(0)))
          spool.close()
        },
      ),
      { numRuns: 30 },
    )
  })

  it('is not worth threads when it is small', () => {
    expect(handsFor(1_000, 10, crew).width).toBe(1)
    expect(handsFor(1_000_000, 10, crew).width).toBe(4)
  })
})
