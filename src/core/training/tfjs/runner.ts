import type { Tensor } from '@tensorflow/tfjs-core'
import type { Data } from '../data.ts'
import { outcomes } from '../layers/augment.ts'
import { AUGMENTED, drawn, dropoutMask } from '../noise.ts'
import type { Runner } from '../runner.ts'
import { engineError } from '../session.ts'
import { augmentOf, dropoutOf, type TrainingSpec } from '../spec.ts'
import { stateOf } from '../step.ts'
import { elements, f32, floats, type Tensor as Ours, type Tensors } from '../tensor.ts'
import type { Context } from './layers.ts'
import { batchLoss } from './loss.ts'
import { optimize, type State } from './optimizer.ts'
import { augmented } from './pictures.ts'
import type { TensorFlow } from './tensorflow.ts'

/**
 * Trains one spec over one dataset in TensorFlow.js: the same weights, batches and state as our graph's, computed by
 * models written a second time. Data and state stay where its backend keeps them.
 */
export function openTensorFlowRunner(
  tf: TensorFlow,
  spec: TrainingSpec,
  data: Data,
  state: Tensors,
  seed = 0,
): Runner {
  const { weights, optimizer } = stateOf(spec)
  const names = weights.map(({ name }) => name)
  const kept: State = new Map([...state].map(([name, t]) => [name, tf.tensor(floats(t), [...t.shape])]))
  const [x, y] = [data.x, data.y].map(tensor => entered(tf, tensor))
  return {
    here: false,
    async run(rows, first) {
      const before = new Map(kept)
      for (const [name, tensor] of before) kept.set(name, tf.clone(tensor))
      try {
        const losses = new Float32Array(rows.length / spec.batch)
        for (let i = 0; i < losses.length; i++) {
          const picked = rows.subarray(i * spec.batch, (i + 1) * spec.batch)
          losses[i] = tf.tidy(() =>
            oneStep(tf, spec, { x: x!, y: y!, picked, names, kept, seed, step: first + i }),
          )
        }
        for (const tensor of before.values()) tensor.dispose()
        return losses
      } catch (error) {
        for (const [name, tensor] of before) {
          kept.get(name)?.dispose()
          kept.set(name, tensor)
        }
        throw engineError('stopped in the middle of its work', error)
      }
    },
    async state() {
      const all = [...weights, ...optimizer].map(async ({ name, shape }): Promise<[string, Ours]> => {
        const values = await kept.get(name)?.data()
        return [name, f32(shape, Float32Array.from(values ?? []))]
      })
      return new Map(await Promise.all(all))
    },
    async close() {
      for (const tensor of [...kept.values(), x!, y!]) tensor.dispose()
    },
  }
}

interface Step {
  x: Tensor
  y: Tensor
  picked: Int32Array
  /** Of the weights. */
  names: string[]
  kept: State
  /** Of what is dropped, and of what becomes of pictures. */
  seed: number
  /** Of the job. */
  step: number
}

/** @returns the loss before the update */
function oneStep(
  tf: TensorFlow,
  spec: TrainingSpec,
  { x, y, picked, names, kept, seed, step }: Step,
): number {
  const rows = tf.tensor1d(picked, 'int32')
  const [batchX, batchY] = [seen(tf, spec, tf.gather(x, rows), seed, step), tf.gather(y, rows)]
  const loss = (...weights: Tensor[]) => {
    const w = (name: string) => required(weights[names.indexOf(name)], name)
    return batchLoss({ tf, w, mask: masks(tf, dropoutOf(spec), seed, step) }, spec, batchX, batchY)
  }
  const weights = names.map(name => required(kept.get(name), name))
  const { value, grads } = tf.valueAndGrads(loss)(weights)
  optimize(tf, spec.optimizer, kept, new Map(grads.map((g, i) => [names[i] ?? '', g])), step)
  return value.dataSync()[0] ?? Number.NaN
}

/** The same pictures as our graph's. */
function seen(tf: TensorFlow, spec: TrainingSpec, x: Tensor, seed: number, step: number): Tensor {
  const augment = augmentOf(spec)
  if (!augment) return x
  return augmented(tf, x, augment, drawn({ seed, step, place: AUGMENTED }, spec.batch, outcomes(augment)))
}

/** The same masks as our graph's. */
function masks(tf: TensorFlow, p: number, seed: number, step: number): Context['mask'] {
  if (p === 0) return undefined
  let place = 0
  return shape => {
    const columns = shape.at(-1) ?? 1
    const rows = elements(shape) / columns
    return tf.tensor(dropoutMask({ seed, step, place: place++ }, rows, columns, p), [...shape])
  }
}

/** TensorFlow.js has no bytes: they become whole numbers. */
const entered = (tf: TensorFlow, { dtype, shape, data }: Ours): Tensor =>
  dtype === 'F32'
    ? tf.tensor(data as Float32Array, [...shape])
    : tf.tensor(Int32Array.from(data as Int32Array | Uint8Array), [...shape], 'int32')

function required(tensor: Tensor | undefined, name: string): Tensor {
  if (!tensor) throw new RangeError(`the model has no parameter "${name}"`)
  return tensor
}
