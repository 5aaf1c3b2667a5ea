import type { Tensor } from '@tensorflow/tfjs-core'
import { decayOf, type OptimizerConfig } from '../optimizers/index.ts'
import type { TensorFlow } from './tensorflow.ts'

export type State = Map<string, Tensor>

/**
 * One step of the optimizer on the state, in place. What it keeps beside each weight is kept as our graph keeps it
 * (`stateOf`), so that a checkpoint goes on with either: AdamW's moments as sums, with the same sums over ones.
 * @param step  of the job, from 0
 */
export function optimize(
  tf: TensorFlow,
  config: OptimizerConfig,
  state: State,
  gradients: State,
  step: number,
) {
  const rate = rateAt(config, step)
  const slopes = clipped(tf, config, gradients)
  const put = (name: string, value: Tensor) => {
    state.get(name)?.dispose()
    state.set(name, tf.keep(value))
    return value
  }
  const get = (name: string): Tensor => {
    const tensor = state.get(name)
    if (!tensor) throw new RangeError(`the state lacks "${name}"`)
    return tensor
  }
  const ones = (name: string, beta: number) => put(name, tf.add(tf.mul(get(name), beta), 1))
  const sums =
    config.name === 'adamw'
      ? ([ones('ones1', config.beta1), ones('ones2', config.beta2)] as const)
      : undefined
  for (const [name, g] of slopes) {
    const w = get(name)
    const decay = decayOf(config, w.shape)
    if (config.name === 'adamw' && sums) {
      const m = put(`${name}/m`, tf.add(tf.mul(get(`${name}/m`), config.beta1), g))
      const v = put(`${name}/v`, tf.add(tf.mul(get(`${name}/v`), config.beta2), tf.square(g)))
      const way = tf.div(tf.div(m, sums[0]), tf.add(tf.sqrt(tf.div(v, sums[1])), config.epsilon))
      put(name, tf.sub(tf.mul(w, 1 - rate * decay), tf.mul(way, rate)))
    } else if (config.name === 'sgd') {
      const pulled = tf.add(g, tf.mul(w, decay))
      const kept = config.momentum > 0 ? get(`${name}/momentum`) : undefined
      const v = kept ? put(`${name}/momentum`, tf.add(tf.mul(kept, config.momentum), pulled)) : pulled
      const way = config.nesterov ? tf.add(pulled, tf.mul(v, config.momentum)) : v
      put(name, tf.sub(w, tf.mul(way, rate)))
    }
  }
}

/** nanoGPT's `get_lr`: warm-up from nothing, then half a cosine. */
function rateAt({ learningRate, schedule }: OptimizerConfig, step: number): number {
  if (!schedule) return learningRate
  const { warmup, steps, least } = schedule
  if (step < warmup) return (learningRate * (step + 1)) / (warmup + 1)
  const way = Math.min(1, (step - warmup) / (steps - warmup))
  return learningRate * (least + (1 - least) * 0.5 * (1 + Math.cos(Math.PI * way)))
}

/** PyTorch's `clip_grad_norm_`. */
function clipped(tf: TensorFlow, { clip }: OptimizerConfig, gradients: State): State {
  if (clip === undefined) return gradients
  const squares = [...gradients.values()].map(g => tf.sum(tf.square(g)))
  const norm = tf.sqrt(tf.addN(squares))
  const scale = tf.minimum(tf.div(clip, tf.add(norm, 1e-6)), 1)
  return new Map([...gradients].map(([name, g]) => [name, tf.mul(g, scale)]))
}
