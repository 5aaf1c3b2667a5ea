import { expect, it } from 'vitest'
import { RUNTIME, trainingMemory, trainingSpec } from '../training/index.ts'
import { checkMemory, microBatchIn } from './memory.ts'

const model = {
  vocabulary: 1000,
  context: 64,
  width: 256,
  layers: 4,
  heads: 4,
  bias: true,
  activation: 'gelu',
}
const optimizer = { name: 'sgd', learningRate: 1, momentum: 0, weightDecay: 0 }
const spec = (more: object = {}) =>
  trainingSpec.parse({ recipe: 'gpt', task: 'language', model, batch: 4, optimizer, ...more })
const adapter = { rank: 2, alpha: 4, targets: ['c_attn'], base: 'i8' }

it('refuses what cannot fit even without its activations, and says what would', () => {
  // 3.4 million parameters: 12 bytes each while all are trained, one each where they are frozen in bytes.
  expect(() => checkMemory(spec(), 30e6)).toThrow(/needs more than 0.04 GiB .* this machine has 0.03 GiB/)
  expect(() => checkMemory(spec(), 60e6)).not.toThrow()
  expect(() => checkMemory(spec({ adapter }), 10e6)).not.toThrow()
  expect(() => checkMemory(spec({ adapter }), 3e6)).toThrow(
    expect.objectContaining({ fix: expect.stringContaining('--frozen') }),
  )
  expect(() => checkMemory(spec(), 3e6)).toThrow(
    expect.objectContaining({ fix: expect.stringContaining('--lora') }),
  )
})

it('takes a batch in parts where there is no room for all of it, and nothing where one row has none', () => {
  const large = spec({ batch: 32 })
  const within = (bytes: number) =>
    microBatchIn({ dataset: 'x', out: 'y', seed: 1, room: { process: bytes, card: null } }, large, 100)
  const needed = (microBatch: number) => RUNTIME + trainingMemory(large, 100, { microBatch }).process
  expect(within(needed(32))).toBe(32)
  expect(within(needed(8))).toBe(8)
  expect(() => within(needed(1) - 1)).toThrow(expect.objectContaining({ code: 'local/memory' }))
})
