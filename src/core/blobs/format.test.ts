import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gcm } from '@noble/ciphers/aes.js'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openChunk, sealChunk } from './chunk.ts'
import { encryptFile } from './encrypt.ts'
import { manifest, maxChunk, maxChunks, type Sealed } from './manifest.ts'

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex')

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-format-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Opens chunks as a download does: each at its place in the list, the list's end as the last. */
const openAll = (key: string, chunks: Buffer[]) =>
  Buffer.concat(
    chunks.map((chunk, i) => openChunk(Buffer.from(key, 'hex'), i, i === chunks.length - 1, chunk)),
  )

async function sealed(plain: Uint8Array, chunkSize: number): Promise<{ blob: Sealed; chunks: Buffer[] }> {
  const path = join(folder, 'plain')
  const out = mkdtempSync(join(folder, 'out-'))
  writeFileSync(path, plain)
  const blob = await encryptFile(path, out, { chunkSize, type: 'application/test' })
  expect(readdirSync(out).toSorted()).toEqual([...new Set(blob.chunks.map(chunk => chunk.sha256))].toSorted())
  return { blob, chunks: blob.chunks.map(chunk => readFileSync(join(out, chunk.sha256))) }
}

/** Sizes at and beside the boundaries of 64-byte chunks. */
const nearBoundary = fc
  .tuple(fc.integer({ min: 0, max: 5 }), fc.integer({ min: -1, max: 1 }))
  .map(([chunks, off]) => Math.max(0, chunks * 64 + off))

describe('the blob format', () => {
  it('gives back what was encrypted, at sizes around every boundary, and its manifest is valid', async () => {
    await fc.assert(
      fc.asyncProperty(nearBoundary, async size => {
        const plain = randomBytes(size)
        const { blob, chunks } = await sealed(plain, 64)
        expect(openAll(blob.key, chunks)).toEqual(plain)
        expect(blob).toMatchObject({ size, sha256: sha256(plain), v: 1, type: 'application/test' })
        expect(chunks.map(chunk => ({ sha256: sha256(chunk), size: chunk.length }))).toEqual(blob.chunks)
        expect(blob.chunks).toHaveLength(Math.max(1, Math.ceil(size / 64)))
        expect(manifest.safeParse({ ...blob, servers: ['https://blossom.example'] }).success).toBe(true)
      }),
    )
  })

  it('refuses any flipped bit', async () => {
    const { blob, chunks } = await sealed(randomBytes(150), 64)
    const bits = chunks.reduce((sum, chunk) => sum + chunk.length * 8, 0)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: bits - 1 }), bit => {
        const spoiled = chunks.map(chunk => Buffer.from(chunk))
        let at = bit >> 3
        for (const chunk of spoiled) {
          if (at >= 0 && at < chunk.length) chunk[at]! ^= 1 << (bit & 7)
          at -= chunk.length
        }
        expect(() => openAll(blob.key, spoiled)).toThrow()
      }),
      { numRuns: 500 },
    )
  })

  it('refuses chunks that are dropped, reordered, repeated or cut off', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 65, max: 400 }), async size => {
        const { blob, chunks } = await sealed(randomBytes(size), 64)
        const n = chunks.length
        for (let i = 0; i < n; i++) {
          expect(() => openAll(blob.key, chunks.toSpliced(i, 1)), `without ${i}`).toThrow()
          expect(() => openAll(blob.key, chunks.toSpliced(i, 0, chunks[i]!)), `${i} twice`).toThrow()
          for (let j = 0; j < i; j++) {
            const swapped = chunks.with(i, chunks[j]!).with(j, chunks[i]!)
            expect(() => openAll(blob.key, swapped), `${i} for ${j}`).toThrow()
          }
        }
        for (let cut = 1; cut < 64; cut += 7)
          expect(() => openAll(blob.key, chunks.with(n - 1, chunks[n - 1]!.subarray(0, -cut)))).toThrow()
      }),
      { numRuns: 15 },
    )
  })

  it('draws a new key for every encryption, and gives the same bytes only for a key that is given', async () => {
    const plain = randomBytes(100)
    const [first, second] = [await sealed(plain, 64), await sealed(plain, 64)]
    expect(first.blob.key).not.toBe(second.blob.key)
    const again = await encryptFile(join(folder, 'plain'), join(folder, 'again'), {
      key: first.blob.key,
      chunkSize: 64,
    })
    expect(again.chunks).toEqual(first.blob.chunks)
  })

  it('is AES-256-GCM with the index as nonce and version, index and last mark authenticated', () => {
    const key = randomBytes(32)
    const plain = Buffer.from('gradstr')
    const nonce = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2)
    const other = gcm(key, nonce, Uint8Array.of(1, 0, 0, 1, 2, 1))
    expect(sealChunk(key, 258, true, plain)).toEqual(Buffer.from(other.encrypt(plain)))
  })

  it('names the file that cannot be read', async () => {
    await expect(encryptFile(join(folder, 'missing'), folder)).rejects.toMatchObject({
      code: 'blobs/unreadable',
      where: join(folder, 'missing'),
    })
  })
})

describe('a manifest', () => {
  const valid = {
    v: 1,
    key: 'a'.repeat(64),
    chunks: [
      { sha256: 'b'.repeat(64), size: 80 },
      { sha256: 'c'.repeat(64), size: 20 },
    ],
    sha256: 'd'.repeat(64),
    size: 68,
    type: 'application/octet-stream',
    servers: ['http://127.0.0.1:3000', 'https://blossom.example'],
  }
  const chunk = (size: number) => ({ sha256: 'b'.repeat(64), size })

  it('is taken when it is consistent', () => {
    expect(manifest.parse({ ...valid, unknown: 'ignored' })).toEqual(valid)
  })

  it.each([
    ['a size that its chunks do not have', { size: 69 }],
    ['a negative size', { size: -1 }],
    ['no chunk', { chunks: [], size: 0 }],
    ['a chunk smaller than its tag', { chunks: [chunk(15)], size: 0 }],
    ['a chunk that is too large', { chunks: [chunk(maxChunk + 17)], size: maxChunk + 1 }],
    ['uneven chunks', { chunks: [chunk(80), chunk(40), chunk(80)], size: 152 }],
    ['a last chunk larger than the first', { chunks: [chunk(40), chunk(80)], size: 88 }],
    ['an empty chunk beside others', { chunks: [chunk(80), chunk(16)], size: 64 }],
    ['too many chunks', { chunks: Array(maxChunks + 1).fill(chunk(17)), size: maxChunks + 1 }],
    ['a key that is no key', { key: 'A'.repeat(64) }],
    ['another version', { v: 2 }],
    ['no server', { servers: [] }],
    ['a server with a path', { servers: ['https://blossom.example/secret'] }],
    ['a server that is not on the web', { servers: ['file:///etc'] }],
    ['a server with a password', { servers: ['https://user:pass@blossom.example'] }],
    ['too many servers', { servers: Array(17).fill('https://blossom.example') }],
    ['a type that is none', { type: 'x\ny' }],
  ])('is refused with %s', (_, change) => {
    expect(manifest.safeParse({ ...valid, ...change }).success).toBe(false)
  })
})
