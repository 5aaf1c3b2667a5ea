import { UserError } from '../../shared/errors.ts'
import type { Data } from './data.ts'
import type { EngineName } from './engine.ts'
import { openGraphRunner } from './graph-runner.ts'
import { modelOf } from './models/index.ts'
import type { SessionOptions } from './session.ts'
import type { TrainingSpec } from './spec.ts'
import { stateOf } from './step.ts'
import { elements, f32, type Tensors } from './tensor.ts'
import { openTensorFlowRunner } from './tfjs/runner.ts'
import { loadTensorFlow, tensorFlowPackage } from './tfjs/tensorflow.ts'

/** One spec over one dataset, open in an engine, which holds the state from call to call. */
export interface Runner {
  /** Whether the state lies in this process's memory: then `state` copies nothing, and works after a call that threw. */
  readonly here: boolean
  /**
   * Takes as many steps as `rows` has batches, in one call of the engine. A call that throws leaves the state as it was.
   * @param rows  `[steps, batch]` row numbers
   * @param first  steps of the job before these, which its schedule counts
   * @returns the loss of every step, before its update
   */
  run(rows: Int32Array, first: number): Promise<Float32Array>
  /** Parameters and optimizer state, by the names of `stateOf`. Later calls leave these tensors as they are. */
  state(): Promise<Tensors>
  close(): Promise<void>
}

export interface RunnerOptions extends Pick<SessionOptions, 'threads' | 'gentle'> {
  /** The CPU when left out. */
  engine?: EngineName | undefined
  /** Rows that go through the model at a time, a divisor of the batch; the whole batch when left out. */
  microBatch?: number | undefined
  /** Of the run: what is dropped, and what becomes of pictures, where the spec asks for it; 0 when left out. */
  seed?: number | undefined
  /** Of an adapter's base, as `readBase` gives it. */
  base?: Tensors | undefined
}

/**
 * @param state  what to begin with; see `freshState`. It is left as it is.
 * @throws UserError `training/engine`, `training/memory`, `training/device-lost`
 */
export async function openRunner(
  spec: TrainingSpec,
  data: Data,
  state: Tensors,
  { engine = 'cpu', ...options }: RunnerOptions,
): Promise<Runner> {
  if (engine === 'tfjs') return openInstalled(spec, data, state, options.seed)
  return openGraphRunner(spec, data, state, { ...options, provider: engine })
}

/** TensorFlow.js has no parts of a batch, and its threads are its own affair. */
function openInstalled(spec: TrainingSpec, data: Data, state: Tensors, seed: number | undefined): Runner {
  if (modelOf(spec).frozen.length > 0)
    throw new UserError('training/engine', {
      message: 'TensorFlow.js does not train adapters here.',
      fix: 'Choose another engine; `gradstr devices` lists those of this machine.',
    })
  const name = tensorFlowPackage()
  if (name) return openTensorFlowRunner(loadTensorFlow(name), spec, data, state, seed)
  throw new UserError('training/engine', {
    message: 'TensorFlow.js is not installed beside Gradstr.',
    fix: 'Choose another engine, or install @tensorflow/tfjs-node-gpu or @tensorflow/tfjs-node.',
  })
}

/** What training begins with: the weights, and zeros for the optimizer. */
export function freshState(spec: TrainingSpec, weights: Tensors): Tensors {
  const { optimizer } = stateOf(spec)
  const zeros = optimizer.map(
    ({ name, shape }) => [name, f32(shape, new Float32Array(elements(shape)))] as const,
  )
  return new Map([...weights, ...zeros])
}
