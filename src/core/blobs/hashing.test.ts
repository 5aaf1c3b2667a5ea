import { createHash, randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { hashingBeside, hashingHere } from './hashing.ts'

it.each([
  ['here', hashingHere],
  ['beside', hashingBeside],
])('hashes %s what SHA-256 says, part by part, from memory that is used again', async (_, make) => {
  const hashing = make()
  const room = hashing.memory(1000)
  const whole = createHash('sha256')
  for (const length of [1000, 0, 1, 999, 1000, 64]) {
    const part = randomBytes(length)
    whole.update(part)
    room.set(part)
    await hashing.update(room.subarray(0, length))
  }
  expect(await hashing.digest()).toBe(whole.digest('hex'))
  await hashing.stop()
})
