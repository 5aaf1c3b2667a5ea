import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { memoryOf } from '../../shared/memory.ts'
import { sealChunk } from './chunk.ts'
import { type Sealing, sealingBeside, sealingHere } from './sealing.ts'
import { snapshotIn } from './snapshot.ts'

const key = randomBytes(32)
let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-sealing-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const here = (path: string) => sealingHere({ key, into: snapshotIn(path), memory: memoryOf(2 ** 20) })

describe.each<[string, (folder: string) => Sealing]>([
  ['here', here],
  ['in threads', path => sealingBeside(key, path, 2)],
])('sealing %s', (_, make) => {
  it('hashes and seals what the format says, several at a time, in memory that is used again', async () => {
    const sealing = make(folder)
    const rooms = Array.from({ length: sealing.width }, () => sealing.memory(1000))
    const whole = createHash('sha256')
    const done: Promise<unknown>[] = []
    for (let index = 0; index < 40; index++) {
      await done[index - rooms.length]
      const plain = randomBytes((index * 37) % 1001)
      whole.update(plain)
      const part = rooms[index % rooms.length]!.subarray(0, plain.length)
      part.set(plain)
      const place = { index, last: index === 39 }
      const expected = sealChunk(key, index, place.last, plain)
      const sha256 = createHash('sha256').update(expected).digest('hex')
      done[index] = Promise.all([sealing.add(part), sealing.seal(part, place)]).then(([, name]) => {
        expect(name).toBe(sha256)
        expect(readFileSync(join(folder, name)).equals(expected)).toBe(true)
      })
    }
    await Promise.all(done)
    expect(await sealing.digest()).toBe(whole.digest('hex'))
    await sealing.stop()
  })

  it('tells why a chunk could not be written, with the system’s code', async () => {
    rmSync(folder, { recursive: true })
    writeFileSync(folder, 'a file, no folder')
    const sealing = make(folder)
    const part = sealing.memory(10).subarray(0, 10)
    await sealing.add(part)
    await expect(sealing.seal(part, { index: 0, last: true })).rejects.toMatchObject({
      code: expect.stringMatching(/^(ENOTDIR|EEXIST)$/),
    })
    await sealing.stop()
  })
})

it('begins each file anew, also in threads that have sealed one, or were left in the middle of one', async () => {
  const hashOf = async (text: string | undefined) => {
    const sealing = sealingBeside(key, folder, 2)
    const part = sealing
      .memory(10)
      .subarray(0, 10)
      .fill(text ?? 'never finished')
    await sealing.add(part)
    await sealing.seal(part, { index: 0, last: true })
    const sha256 = text === undefined ? undefined : await sealing.digest()
    await sealing.stop()
    return sha256
  }
  for (const text of ['a', 'b', undefined, 'c'])
    expect(await hashOf(text)).toBe(text && createHash('sha256').update(text.repeat(10)).digest('hex'))
})

it('leaves nobody waiting for a thread that was stopped', async () => {
  const sealing = sealingBeside(key, folder, 2)
  const part = sealing.memory(2 ** 22)
  // More than can be hashed before the thread ends; what is done by then may be answered.
  const asked = Array.from({ length: 60 }, () => sealing.add(part))
  const settled = Promise.allSettled(asked)
  await sealing.stop()
  expect(await settled).toHaveLength(60)
  await expect(sealing.digest()).rejects.toThrow(/ended/)
})
