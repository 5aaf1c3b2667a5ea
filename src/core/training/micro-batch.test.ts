import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Batches } from './batches.ts'
import { FAMILIES, PLAIN } from './engines/selftest-specs.ts'
import { microBatchOf } from './fallback.ts'
import { initialWeights } from './parameters.ts'
import { randomData } from './random-data.ts'
import { freshState, openRunner } from './runner.ts'
import type { TrainingSpec } from './spec.ts'
import { floats } from './tensor.ts'

const momentum = { name: 'sgd', learningRate: 0.05, momentum: 0.9, weightDecay: 0.01 } as const
const masked: TrainingSpec[] = FAMILIES.flatMap(spec =>
  spec.task === 'language' ? [{ ...spec, masked: true, smoothing: 0.1 }] : [],
)
const weighted: TrainingSpec[] = PLAIN.flatMap(spec =>
  spec.task === 'classification' ? [{ ...spec, classWeights: [0.5, 2, 4] }] : [],
)
const noisy = FAMILIES.map((spec): TrainingSpec => {
  const augment = { flip: true, crop: 2 }
  const pictures = spec.recipe === 'cnn' || spec.recipe === 'resnet'
  return pictures ? { ...spec, dropout: 0.3, augment } : { ...spec, dropout: 0.3 }
})
const specs: TrainingSpec[] = [...PLAIN, ...FAMILIES, ...masked, ...weighted, ...noisy]
const cases = specs.map(spec => [`${spec.recipe}, ${spec.task}`, { ...spec, optimizer: momentum }] as const)

/** Some targets do not count, more of them in some rows than in others. */
function dataOf(spec: TrainingSpec) {
  const data = randomData(spec, 20)
  if (spec.task === 'language' && spec.masked)
    data.y.data.forEach((_, i) => {
      if ((i * i) % 7 < 3) data.y.data[i] = -1
    })
  return data
}

async function threeSteps(spec: TrainingSpec, microBatch: number) {
  const data = dataOf(spec)
  const state = freshState(spec, initialWeights(spec, 1))
  const runner = await openRunner(spec, data, state, { threads: 1, microBatch })
  const losses = await runner.run(new Batches(data.rows, spec.batch, 3).of(0, 3), 0)
  const after = await runner.state()
  await runner.close()
  return { losses, after }
}

describe('a batch that goes through the model in parts', () => {
  it.each(cases)('has the losses and gradients of the whole: %s', async (_, spec) => {
    const whole = await threeSteps(spec, spec.batch)
    for (const microBatch of [4, 1]) {
      const parts = await threeSteps(spec, microBatch)
      for (const [i, loss] of whole.losses.entries()) expect(parts.losses[i]).toBeCloseTo(loss, 5)
      for (const [name, tensor] of whole.after)
        for (const [i, value] of floats(tensor).entries())
          expect(Math.abs(floats(parts.after.get(name)!)[i]! - value)).toBeLessThan(2e-6)
    }
  })

  it('is refused where the parts do not make up the whole', async () => {
    await expect(threeSteps(specs[0]!, 3)).rejects.toThrow('3 does not divide a batch of 8')
  })

  it('has the largest parts that fit', () => {
    expect(microBatchOf(64, 1000)).toBe(64)
    expect(microBatchOf(12, 5)).toBe(4)
    expect(microBatchOf(61, 60)).toBe(1)
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 500 }), (batch, most) => {
        const rows = microBatchOf(batch, most)
        expect(batch % rows).toBe(0)
        expect(rows).toBeLessThanOrEqual(Math.max(1, most))
      }),
    )
  })
})
