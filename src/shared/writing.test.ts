import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { writeWhole, writeWholeSync } from './writing.ts'

const folder = mkdtempSync(join(tmpdir(), 'gradstr-writing-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = join(folder, 'file')

/** Around the pieces' ends. */
const length = fc.oneof(
  fc.nat(40),
  fc.integer({ min: 2 ** 20 - 2, max: 2 ** 20 + 2 }),
  fc.constant(3 * 2 ** 20 + 5),
)
const content = (size: number) =>
  Buffer.from(Uint32Array.from({ length: Math.ceil(size / 4) }, (_, i) => i).buffer).subarray(0, size)

describe('writing whole', () => {
  it('leaves all bytes behind what was there, or at the place that is given, however many there are', async () => {
    await fc.assert(
      fc.asyncProperty(length, fc.option(fc.nat(9), { nil: undefined }), async (size, position) => {
        const file = await open(path, 'w')
        await file.write('0123456789')
        await writeWhole(file, content(size), position)
        await file.close()
        const at = position ?? 10
        const found = readFileSync(path)
        expect(found.subarray(0, at).toString()).toBe('0123456789'.slice(0, at))
        expect(found.subarray(at, at + size).equals(content(size))).toBe(true)
        expect(found.length).toBe(Math.max(10, at + size))
      }),
      { numRuns: 30 },
    )
  })

  it('does so at once, too', () => {
    fc.assert(
      fc.property(length, size => {
        const file = openSync(path, 'w')
        writeWholeSync(file, content(7))
        writeWholeSync(file, content(size))
        closeSync(file)
        expect(readFileSync(path).equals(Buffer.concat([content(7), content(size)]))).toBe(true)
      }),
      { numRuns: 20 },
    )
  })
})
