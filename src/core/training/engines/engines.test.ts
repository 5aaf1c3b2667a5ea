import { describe, expect, it } from 'vitest'
import { benchmark } from '../benchmark.ts'
import { flopsPerStep } from '../cost.ts'
import { ort } from '../onnxruntime.ts'
import { initialWeights } from '../parameters.ts'
import { randomData } from '../random-data.ts'
import type { TrainingSpec } from '../spec.ts'
import { engines, enginesOf } from './engines.ts'
import { firstMasks, referenceGradients } from './reference.ts'
import { selfTest } from './selftest.ts'
import { TESTED } from './selftest-specs.ts'

describe('the engines', () => {
  it('are what ONNX Runtime lists here, the CPU first', async () => {
    const found = (await engines()).map(({ name }) => name)
    expect(found[0]).toBe('cpu')
    for (const name of found.filter(name => name !== 'tfjs'))
      expect(ort.listSupportedBackends().map(b => b.name)).toContain(name)
  })

  it('are named for the card with the most memory; CUDA for one of NVIDIA alone', () => {
    const cards = [
      { vendor: 'Intel Corporation', model: 'Iris Xe', vram: 128 },
      { vendor: 'NVIDIA Corporation', model: 'GeForce RTX 4070 ', vram: 12_282 },
      { vendor: 'AMD', model: 'Radeon Pro', vram: 32_768 },
    ]
    const [, webgpu, cuda] = enginesOf(['cpu', 'webgpu', 'cuda'], cards)
    expect(webgpu).toEqual({ name: 'webgpu', device: 'Radeon Pro', memory: 32_768 * 2 ** 20 })
    expect(cuda).toMatchObject({ device: 'GeForce RTX 4070' })
    expect(enginesOf(['webgpu'], [])).toEqual([{ name: 'webgpu', device: 'graphics card', memory: null }])
  })

  it('pass their self-test when their gradients are right', async () => {
    const { passed, error } = await selfTest({ threads: 1 })
    expect(passed).toBe(true)
    // Not by a wide tolerance.
    expect(error).toBeLessThan(0.5)
  })

  it('are judged by what is dropped too: other masks have other gradients', () => {
    const spec = TESTED.plain.find(({ dropout }) => dropout)!
    const { x, y } = randomData(spec, spec.batch)
    const batch = { x: Float64Array.from(x.data, Number), y: Float64Array.from(y.data, Number) }
    const gradients = (seed: number) => [
      ...referenceGradients(spec, initialWeights(spec, 1), {
        ...batch,
        masks: firstMasks(spec, seed),
      }).values(),
    ]
    const [one, same, other] = [gradients(7), gradients(7), gradients(8)]
    expect(same).toEqual(one)
    const apart = Math.max(
      ...one.flatMap((g, at) => [...g].map((value, i) => Math.abs(value - other[at]![i]!))),
    )
    expect(apart).toBeGreaterThan(0.1 * Math.max(...one.flatMap(g => [...g].map(Math.abs))))
  })

  it('say so when they cannot run', async () => {
    const absent = process.platform === 'darwin' ? 'dml' : 'coreml'
    await expect(selfTest({ engine: absent })).rejects.toMatchObject({ code: 'training/engine' })
  })

  it('are measured on the spec that is asked for', async () => {
    const small: TrainingSpec = {
      recipe: 'mlp',
      model: { inputs: 10, hidden: [], outputs: 2 },
      task: 'classification',
      input: { dtype: 'u8', scale: 1 / 255, shift: 0 },
      batch: 64,
      optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0, weightDecay: 0 },
    }
    const found = await benchmark({ spec: small, milliseconds: 50, threads: 1 })
    expect(found.spec).toEqual(small)
    expect(found.flopsPerSecond * found.secondsPerStep).toBeCloseTo(flopsPerStep(small), 3)
    expect(found.rowsPerSecond).toBeGreaterThan(1000)
  })
})
