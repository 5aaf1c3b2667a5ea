import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { writeAtomically } from '../atomic.ts'
import { ARRAYS, elements, f32, type Tensor, type TensorType } from '../tensor.ts'
import { openSafetensors, readHeader, readSafetensors, writeSafetensors } from './index.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-safetensors-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const file = () => join(folder, 'a.safetensors')

const tensor: fc.Arbitrary<Tensor> = fc
  .record({
    dtype: fc.constantFrom(...(Object.keys(ARRAYS) as TensorType[])), // Object.keys forgets the literal names
    shape: fc.array(fc.nat(4), { maxLength: 3 }),
    seed: fc.nat(255),
  })
  .map(({ dtype, shape, seed }) => {
    const bytes = new Uint8Array(elements(shape) * ARRAYS[dtype].BYTES_PER_ELEMENT).fill(seed)
    return { dtype, shape, data: new ARRAYS[dtype](bytes.buffer) }
  })
const name = fc.string({ minLength: 1, maxLength: 12 }).filter(n => n !== '__metadata__' && n !== '__proto__')

describe('safetensors', () => {
  it('gives back what was written, whatever the names, types and shapes', async () => {
    const contents = fc.uniqueArray(fc.tuple(name, tensor), { maxLength: 5, selector: ([n]) => n })
    await fc.assert(
      fc.asyncProperty(contents, fc.dictionary(name, fc.string()), async (entries, metadata) => {
        const written = await writeSafetensors(file(), new Map(entries), metadata)
        const bytes = readFileSync(file())
        expect(written).toEqual({
          size: bytes.length,
          sha256: createHash('sha256').update(bytes).digest('hex'),
        })
        expect(await readSafetensors(file())).toEqual(new Map(entries))
        expect(Object.fromEntries((await readHeader(file())).metadata)).toEqual(metadata)
      }),
      { numRuns: 60 },
    )
  })

  it('writes a tensor from pieces, and reads some of its rows', async () => {
    async function* pieces() {
      yield new Float32Array([0, 1, 2])
      yield new Float32Array([3, 4, 5, 6, 7])
    }
    await writeSafetensors(file(), [{ name: 'x', dtype: 'F32', shape: [4, 2], data: pieces() }])
    const opened = await openSafetensors(file())
    expect(await opened.read('x', 1, 2)).toEqual(f32([2, 2], new Float32Array([2, 3, 4, 5])))
    await expect(opened.read('y')).rejects.toThrow(/no tensor "y"/)
    await opened.close()
  })

  it('leaves the old file and nothing else when a source gives too few values', async () => {
    await writeSafetensors(file(), new Map([['x', f32([1], new Float32Array([7]))]]))
    const before = readFileSync(file())
    const short = { name: 'x', dtype: 'F32' as const, shape: [3], data: [new Float32Array(2)] }
    await expect(writeSafetensors(file(), [short])).rejects.toThrow(/should have 12 bytes/)
    expect(readFileSync(file())).toEqual(before)
    expect(readdirSync(folder)).toEqual(['a.safetensors'])
  })
})

describe('files', () => {
  it('that do not exist are named', async () => {
    await expect(readSafetensors(file())).rejects.toMatchObject({ code: 'training/file', where: file() })
  })

  it('on a full disk keep their old content', async () => {
    writeFileSync(file(), 'old')
    const full = async () => {
      throw Object.assign(new Error('no space'), { code: 'ENOSPC' })
    }
    await expect(writeAtomically(file(), full)).rejects.toMatchObject({ code: 'training/disk-full' })
    expect(readdirSync(folder)).toEqual(['a.safetensors'])
    expect(readFileSync(file(), 'utf8')).toBe('old')
  })
})

describe('a hostile safetensors file', () => {
  const write = (header: string | object, body = 0, length?: bigint) => {
    const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
    const prefix = Buffer.alloc(8)
    prefix.writeBigUInt64LE(length ?? BigInt(json.length))
    writeFileSync(file(), Buffer.concat([prefix, json, Buffer.alloc(body)]))
  }
  const one = (dtype: string, shape: unknown, from: unknown, to: unknown) => ({
    x: { dtype, shape, data_offsets: [from, to] },
  })
  const cases: [string, () => void, RegExp][] = [
    ['is empty', () => writeFileSync(file(), ''), /ends too early/],
    ['claims a header of 2^63 bytes', () => write({}, 0, 2n ** 63n), /header claims/],
    ['claims a header longer than itself', () => write({}, 0, 4_000_000n), /ends too early/],
    ['has a header that is not JSON', () => write('{"x":'), /not JSON/],
    ['has an array as header', () => write('[]'), /not an object/],
    ['has metadata that are not text', () => write({ __metadata__: { a: 1 } }), /metadata/],
    ['has an unknown type', () => write(one('F31', [1], 0, 4), 4), /dtype/],
    ['has a negative size', () => write(one('F32', [-1], 0, 4), 4), /shape/],
    ['has a size that overflows', () => write(one('F32', [2 ** 50, 2 ** 50], 0, 4), 4), /impossible size/],
    ['has a fractional offset', () => write(one('F32', [1], 0.5, 4.5), 8), /data_offsets/],
    ['has offsets that do not fit the shape', () => write(one('F32', [2], 0, 4), 4), /does not fill/],
    ['points behind its end', () => write(one('F32', [2], 0, 8), 4), /has \d+ bytes where/],
    ['has bytes nobody claims', () => write(one('F32', [1], 0, 4), 8), /has \d+ bytes where/],
    [
      'lets tensors overlap',
      () => write({ ...one('F32', [2], 0, 8), y: { dtype: 'F32', shape: [2], data_offsets: [4, 12] } }, 12),
      /does not begin where/,
    ],
    ['leaves a gap', () => write(one('F32', [1], 4, 8), 8), /does not begin where/],
    ['names __proto__', () => write('{"__proto__":{"dtype":"F31"}}'), /__proto__/],
  ]
  it.each(cases)('is refused when it %s', async (_, make, message) => {
    make()
    await expect(readHeader(file())).rejects.toMatchObject({
      code: 'training/safetensors',
      message: expect.stringMatching(message),
    })
  })
})
