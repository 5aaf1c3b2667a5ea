import { describe, expect, it } from 'vitest'
import { plain } from '../format.ts'
import { gradstr } from '../process.test-support.ts'
import { deviceLines } from './devices.ts'

describe('gradstr devices', () => {
  it('measures this machine and says what it is good for', async () => {
    const { code, json } = await gradstr(['devices', '--json'])
    expect(code).toBe(0)
    expect(json().at(-1)).toMatchObject({
      type: 'result',
      devices: [{ name: 'cpu', test: { passed: true } }],
      benchmark: { flopsPerSecond: expect.any(Number), rowsPerSecond: expect.any(Number) },
    })
  })

  it('gives every figure a unit', () => {
    const cpu = { name: 'cpu', device: 'Chip', threads: 1, memory: 8e9, test: { passed: true, error: 1e-7 } }
    const speed = { secondsPerStep: 0.001, rowsPerSecond: 30_000, flopsPerSecond: 12.3e9 }
    expect(deviceLines([cpu], speed, plain)).toEqual([
      'cpu  Chip: 1 thread, 8.0 GB of memory; computes right',
      "Training an image classifier of MNIST's size: 12.3 GFLOP/s, 30,000 rows/s.",
      "This machine can train for others: one pass over MNIST's 60,000 images takes about 2 s.",
    ])
  })
})
