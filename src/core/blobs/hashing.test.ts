import { createHash, randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { memoryOf } from '../../shared/memory.ts'
import { hashingBeside, hashingHere } from './hashing.ts'

it.each([
  ['here', () => hashingHere(memoryOf(2 ** 20))],
  ['beside', hashingBeside],
])('hashes %s what SHA-256 says, part by part, from memory that is used again', async (_, make) => {
  const hashing = make()
  const rooms = Array.from({ length: hashing.behind + 1 }, () => hashing.memory(1000))
  const whole = createHash('sha256')
  const updates: Promise<void>[] = []
  for (let i = 0; i < 40; i++) {
    await updates[i - rooms.length]
    const part = randomBytes((i * 37) % 1001)
    whole.update(part)
    const room = rooms[i % rooms.length]!
    room.set(part)
    updates.push(hashing.update(room.subarray(0, part.length)))
  }
  expect(await hashing.digest()).toBe(whole.digest('hex'))
  await hashing.stop()
})
