import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readSafetensors } from '../training/index.ts'
import { testFolder } from './folder.test-support.ts'
import { answered, openShard } from './shards.ts'

const folder = testFolder()
const WIDTH = 1_000

describe('a shard', () => {
  it('holds the rows in the order they came, whatever is done with the arrays after they were pushed', async () => {
    // From a few rows, which wait for others, to more than are worth a write of their own.
    const pieces = fc.array(fc.constantFrom(1, 7, 60, 150, 400), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(pieces, async sizes => {
        const rows = sizes.reduce((a, b) => a + b, 0)
        const path = folder.path('shard')
        const shard = openShard(path, { rows, tensors: answered([WIDTH], 'F32', 'I32') })
        let row = 0
        for (const size of sizes) {
          const x = Float32Array.from({ length: size * WIDTH }, (_, i) => row + Math.floor(i / WIDTH))
          const y = Int32Array.from({ length: size }, () => row++)
          await shard.push(x, y)
          x.fill(-1)
          y.fill(-1)
        }
        await shard.finish()
        const tensors = await readSafetensors(path)
        const found = tensors.get('x')!.data
        expect([...tensors.get('y')!.data]).toEqual(Array.from({ length: rows }, (_, i) => i))
        expect(Array.from({ length: rows }, (_, i) => found[i * WIDTH + WIDTH - 1])).toEqual([
          ...tensors.get('y')!.data,
        ])
      }),
      { numRuns: 8 },
    )
  })

  it('says so when it gets more rows than it was opened for', async () => {
    const shard = openShard(folder.path('more'), {
      rows: 1,
      tensors: answered([200_000], 'F32', 'I32'),
    })
    const row = () => [new Float32Array(200_000), new Int32Array(1)] as const
    await shard.push(...row())
    await expect(shard.push(...row())).rejects.toThrow('should have 800000 bytes')
    await shard.abandon()
  })
})
