import { describe, expect, it } from 'vitest'
import type { Surveyed } from '../../core/compute/index.ts'
import { plain } from '../format.ts'
import { gradstr } from '../process.test-support.ts'
import { deviceLines } from './devices.ts'

describe('gradstr devices', () => {
  it('tests and measures every engine of this machine, and says which one is used and why', async () => {
    const { code, json } = await gradstr(['devices', '--json'])
    expect(code).toBe(0)
    const result = json().at(-1) as { devices: Surveyed[] }
    expect(result).toMatchObject({
      type: 'result',
      engine: expect.any(String),
      benchmark: { flopsPerSecond: expect.any(Number), rowsPerSecond: expect.any(Number) },
    })
    expect(result.devices[0]).toMatchObject({ name: 'cpu', test: { passed: true } })
    for (const { reason } of result.devices) expect(reason).toMatch(/^(not )?used, because /)
    expect(result.devices.filter(({ reason }) => reason.startsWith('used'))).toHaveLength(1)
  })

  it('gives every figure a unit', () => {
    const benchmark = { secondsPerStep: 0.001, rowsPerSecond: 30_000, flopsPerSecond: 12.3e9 }
    const cpu = {
      name: 'cpu' as const,
      device: 'Chip',
      memory: 8e9,
      test: { passed: true, error: 0.1, worst: 'mlp' },
      benchmark,
      flopsPerSecond: benchmark.flopsPerSecond,
      failure: null,
      reason: 'used, because it is the only one here that computes right',
    }
    const none = { test: null, benchmark: null, flopsPerSecond: null }
    const card = { ...none, name: 'webgpu' as const, device: 'Card', memory: null, failure: 'no adapter' }
    const reason = 'not used, because it does not run here: no adapter'
    expect(deviceLines({ engines: [cpu, { ...card, reason }], chosen: cpu }, plain)).toEqual([
      'CPU  Chip, 8.0 GB of memory: computes right, 12.3 GFLOP/s; used, because it is the only one here that computes right.',
      'WebGPU  Card: failed; not used, because it does not run here: no adapter.',
      "Training an image classifier of MNIST's size: 30,000 rows/s.",
      "This machine can train for others: one pass over MNIST's 60,000 images takes about 2 s.",
    ])
  })
})
