import type { Data } from './data.ts'
import { baseFeeds, count, fromOrt, toOrt } from './feeds.ts'
import { encodeModel } from './graph/index.ts'
import { placed } from './memory/index.ts'
import { seedWord } from './noise.ts'
import { ort } from './onnxruntime.ts'
import type { Runner, RunnerOptions } from './runner.ts'
import { type Feeds, openSession, runSession, type Session, type SessionOptions } from './session.ts'
import { isNoisy, rowOf, type TrainingSpec } from './spec.ts'
import { type StateTensor, stateOf, trainingGraph } from './step.ts'
import type { Tensors } from './tensor.ts'
import { type OnDevice, toDevice, toMemory } from './transfer.ts'

/**
 * The training graph of one spec over one dataset, open in ONNX Runtime. On WebGPU, state and data stay in the graphics
 * card's memory from call to call; elsewhere the results of one call, which ONNX Runtime hands out without a copy, are
 * the next one's input. (Results written into tensors of ours instead: no faster, and a tenth more memory.)
 */
export async function openGraphRunner(
  spec: TrainingSpec,
  data: Data,
  state: Tensors,
  {
    microBatch,
    seed = 0,
    base,
    ...options
  }: SessionOptions & Pick<RunnerOptions, 'microBatch' | 'seed' | 'base'>,
): Promise<Runner> {
  const { weights, optimizer } = stateOf(spec)
  const names = [...weights, ...optimizer]
  const onDevice = options.provider === 'webgpu' ? names.map(({ name }) => `out/${name}`) : []
  // The faster ways were measured on the CPU, and some have operators that other providers lack.
  const general = (options.provider ?? 'cpu') !== 'cpu'
  const graph = trainingGraph(spec, { general, ...(microBatch !== undefined && { microBatch }) })
  const session = await openSession(encodeModel(graph), {
    ...options,
    onDevice,
    placed: placed(spec, microBatch),
  })
  try {
    const kept = options.provider === 'webgpu' ? await dataOnDevice(spec, data, options) : undefined
    const fixed = {
      ...{ x: toOrt(data.x), y: toOrt(data.y), ...kept?.tensors },
      ...{ ...baseFeeds(base), ...noiseFeeds(spec, seed) },
    }
    return new GraphRunner({ spec, session, options, names, fixed, kept, state })
  } catch (error) {
    await session.release()
    throw error
  }
}

interface Parts {
  spec: TrainingSpec
  session: Session
  options: SessionOptions
  names: readonly StateTensor[]
  /** Inputs that are the same in every call. */
  fixed: Feeds
  /** Those of them that are in the graphics card's memory. */
  kept: OnDevice | undefined
  state: Tensors
}

class GraphRunner implements Runner {
  readonly here: boolean
  readonly #parts: Parts
  /** The state where the engine left it, by plain names. */
  #state: Feeds
  /** Whether somebody else has this state's memory too: the caller at the beginning, then whoever asks for it. */
  #shared = true

  constructor(parts: Parts) {
    this.#parts = parts
    this.here = parts.options.provider !== 'webgpu'
    this.#state = Object.fromEntries([...parts.state].map(([name, tensor]) => [name, toOrt(tensor)]))
  }

  async run(rows: Int32Array, first: number): Promise<Float32Array> {
    const { spec, session, names, fixed } = this.#parts
    const steps = rows.length / spec.batch
    const results = await runSession(session, {
      ...fixed,
      ...Object.fromEntries(Object.entries(this.#state).map(([name, tensor]) => [`in/${name}`, tensor])),
      steps: count(steps),
      first: count(first),
      batches: new ort.Tensor('int32', rows, [steps, spec.batch]),
    })
    const before = this.#state
    this.#state = Object.fromEntries(names.map(({ name }) => [name, required(results, `out/${name}`)]))
    release(before, !this.#shared)
    this.#shared = false
    return fromOrt(results.losses).data
  }

  async state(): Promise<Tensors> {
    const { names, options } = this.#parts
    const declared = names.map(({ name, shape }) => ({ name, shape, dtype: 'f32' as const }))
    const kept = Object.values(this.#state).some(isOnDevice)
    this.#shared = !kept
    const here = kept ? await toMemory(declared, this.#state, options) : this.#state
    return new Map(names.map(({ name }) => [name, fromOrt(here[name])]))
  }

  async close(): Promise<void> {
    const { session, kept } = this.#parts
    release(this.#state, false)
    await kept?.release()
    await session.release()
  }
}

const noiseFeeds = (spec: TrainingSpec, seed: number): Feeds =>
  isNoisy(spec) ? { seed: new ort.Tensor('int32', Int32Array.of(seedWord(seed)), []) } : {}

/** What of the dataset can be in the graphics card's memory. */
function dataOnDevice(spec: TrainingSpec, data: Data, options: SessionOptions): Promise<OnDevice> {
  const row = rowOf(spec)
  const movable = (['x', 'y'] as const).filter(name => row[name].dtype !== 'u8') // WebGPU has no bytes
  const declared = movable.map(name => ({ name, dtype: row[name].dtype, shape: data[name].shape }))
  return toDevice(declared, Object.fromEntries(movable.map(name => [name, toOrt(data[name])])), options)
}

const isOnDevice = (tensor: Feeds[string]): boolean => tensor.location === 'gpu-buffer'

/**
 * Gives memory back now: that of the device, and ours, for the garbage collector would let several states gather before
 * it looks.
 * @param ours  whether ours is nobody else's
 */
function release(tensors: Feeds, ours: boolean): void {
  for (const tensor of Object.values(tensors)) {
    if (isOnDevice(tensor)) tensor.dispose()
    else if (ours) {
      const { buffer } = fromOrt(tensor).data
      if (buffer instanceof ArrayBuffer) buffer.transfer(0)
    }
  }
}

function required(results: Feeds, name: string): Feeds[string] {
  const tensor = results[name]
  if (!tensor) throw new RangeError(`the graph gave no "${name}"`)
  return tensor
}
