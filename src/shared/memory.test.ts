import { expect, it } from 'vitest'
import { discard, memoryOf } from './memory.ts'

const mebibyte = 1024 * 1024

it('lends a buffer that was taken back again, and none that is still lent', () => {
  const memory = memoryOf(4 * mebibyte)
  const [one, two] = [memory.lend(4 * mebibyte), memory.lend(2 * mebibyte)]
  expect(two.buffer).not.toBe(one.buffer)
  expect(two).toHaveLength(2 * mebibyte)
  memory.takeBack(two)
  const three = memory.lend(3 * mebibyte)
  expect(three.buffer).toBe(two.buffer)
  expect(three).toHaveLength(3 * mebibyte)
  expect(memory.lend(mebibyte).buffer).not.toBe(three.buffer)
})

it('keeps at most as many as it may, and none that it did not lend', () => {
  const memory = memoryOf(mebibyte, 1)
  const stranger = Buffer.allocUnsafeSlow(2 * mebibyte)
  memory.takeBack(stranger)
  memory.takeBack(memory.lend(10))
  const lent = [memory.lend(mebibyte), memory.lend(mebibyte)]
  lent.forEach(memory.takeBack)
  const again = [memory.lend(mebibyte), memory.lend(mebibyte)]
  expect(again[0]?.buffer).toBe(lent[0]?.buffer)
  expect(lent.map(({ buffer }) => buffer)).not.toContain(again[1]?.buffer)
  // Too many to be kept: its memory is free again.
  expect(lent[1]).toHaveLength(0)
})

it('gives memory back that one buffer has to itself, and none that others share', () => {
  const [own, shared] = [Buffer.alloc(64 * 1024), Buffer.alloc(64 * 1024)]
  const part = shared.subarray(0, 32 * 1024)
  discard(own)
  discard(part)
  discard(Buffer.from('a little'))
  expect(own).toHaveLength(0)
  expect(part).toHaveLength(32 * 1024)
  expect(Buffer.from('from the pool')).toHaveLength(13)
})
