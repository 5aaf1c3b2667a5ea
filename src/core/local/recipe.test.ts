import { describe, expect, it } from 'vitest'
import type { Prepared } from '../datasets/index.ts'
import { modelsFor, recipeOf } from './recipe.ts'

const files = { rows: 1000, holdoutRows: 100, shards: [], holdout: '', encoding: '' }
// Only what a recipe looks at.
const table = {
  ...{ kind: 'rows', ...files, task: 'regression', target: 'y', inputs: 7, outputs: 1 },
  ...{ input: { dtype: 'f32', scale: 1, shift: 0 }, inspection: {} },
} as unknown as Prepared
const images = (width: number, height: number, channels = 1) =>
  ({
    ...{
      kind: 'rows',
      ...files,
      task: 'classification',
      target: 'label',
      inputs: channels * width * height,
      outputs: 10,
    },
    ...{ input: { dtype: 'u8', scale: 1 / 255, shift: 0 }, inspection: { images: { width, height } } },
  }) as unknown as Prepared
const text = (training: number, block: number) =>
  ({
    ...{ kind: 'text', ...files, vocabulary: 65, block, masked: true, tokens: { training, holdout: 10 } },
  }) as unknown as Prepared

describe('a recipe', () => {
  it('fits the dataset: shapes, answers, which tokens count', () => {
    expect(recipeOf(table, {}).spec).toMatchObject({
      ...{ recipe: 'mlp', task: 'regression', model: { inputs: 7, outputs: 1 } },
    })
    expect(recipeOf(images(28, 20), {}).spec).toMatchObject({ recipe: 'cnn', model: { image: [1, 20, 28] } })
    expect(recipeOf(images(28, 20, 3), {}).spec).toMatchObject({ model: { image: [3, 20, 28] } })
    expect(recipeOf(text(50_000, 64), {}).spec).toMatchObject({
      ...{ recipe: 'gpt', task: 'language', masked: true, model: { vocabulary: 65, context: 64, width: 64 } },
    })
  })

  it('is sound for every model that is offered, pictures of two pixels and texts of any size included', () => {
    const all = [
      table,
      images(2, 2),
      images(3, 500),
      images(28, 28),
      text(100, 1),
      text(5e6, 256),
      text(1e9, 1024),
    ]
    for (const prepared of all)
      for (const model of modelsFor(prepared)) {
        const { spec, steps, every } = recipeOf(prepared, { model })
        expect(spec.recipe).toBe(model)
        expect(every).toBeLessThanOrEqual(steps)
      }
  })

  it('takes what was chosen, and never more rows a step than there are', () => {
    const { spec, steps, every } = recipeOf(table, { steps: 7, batch: 5000, learningRate: 0.5 })
    expect([steps, every, spec.batch, spec.optimizer.learningRate]).toEqual([7, 7, 900, 0.5])
  })

  it('has dropout where it is asked for', () => {
    expect(recipeOf(table, { dropout: 0.2 }).spec).toMatchObject({ recipe: 'mlp', dropout: 0.2 })
    expect(recipeOf(images(28, 28), { dropout: 0.2 }).spec).toMatchObject({ recipe: 'cnn', dropout: 0.2 })
    expect('dropout' in recipeOf(table, {}).spec).toBe(false)
  })

  it('mirrors and shifts pictures where it is asked to, and says where there are none, or too small ones', () => {
    const augment = { flip: true, crop: 3 }
    expect(recipeOf(images(28, 20), { augment }).spec).toMatchObject({ recipe: 'cnn', augment })
    expect(recipeOf(images(28, 20), { augment, model: 'resnet' }).spec).toMatchObject({ augment })
    expect('augment' in recipeOf(images(28, 20), {}).spec).toBe(false)
    const refusal = (message: RegExp) =>
      expect.objectContaining({ code: 'local/augment', message: expect.stringMatching(message) })
    expect(() => recipeOf(table, { augment })).toThrow(refusal(/"mlp" knows nothing of pictures/))
    expect(() => recipeOf(images(28, 20), { augment, model: 'mlp' })).toThrow(refusal(/"mlp"/))
    expect(() => recipeOf(images(28, 20), { augment: { crop: 20 } })).toThrow(
      refusal(/28 × 20 pixels, a shift by 20/),
    )
    expect(recipeOf(images(28, 20), { augment: { crop: 19 } }).spec).toMatchObject({ augment: { crop: 19 } })
  })
})
