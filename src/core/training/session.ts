import { availableParallelism } from 'node:os'
import { UserError } from '../../shared/errors.ts'
import type { Provider } from './engine.ts'
import { type InferenceSession, ort, type Tensor } from './onnxruntime.ts'

export type Feeds = Record<string, Tensor>
export type Session = InferenceSession

export interface SessionOptions {
  /** Cores to use; all when left out, half of them when gentle. */
  threads?: number | undefined
  /** Leaves the machine usable for the person at it: threads sleep instead of spin while they wait. */
  gentle?: boolean | undefined
  /** What runs the graph; the CPU when left out. */
  provider?: Provider | undefined
  /** Whether results have places in one block from the second run on: faster, and more memory. They have when left out. */
  placed?: boolean | undefined
  /** Results that stay in the graphics card's memory. Only WebGPU has this in Node.js. */
  onDevice?: readonly string[] | undefined
}

export function threadsOf({ threads, gentle = false }: SessionOptions): number {
  const cores = availableParallelism()
  return threads ?? (gentle ? Math.max(1, Math.floor(cores / 2)) : cores)
}

/**
 * Opens a model in ONNX Runtime. One session a process at a time: several slow each other, and worker threads crash.
 * @throws UserError `training/engine`, `training/memory`, `training/device-lost`
 */
export async function openSession(model: Uint8Array, options: SessionOptions = {}): Promise<Session> {
  const { gentle = false, provider = 'cpu', onDevice = [], placed = true } = options
  try {
    return await ort.InferenceSession.create(model, {
      ...PROVIDER_OPTIONS[provider],
      ...(placed ? {} : { enableMemPattern: false }),
      intraOpNumThreads: threadsOf(options),
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
      ...(onDevice.length > 0
        ? { preferredOutputLocation: Object.fromEntries(onDevice.map(name => [name, 'gpu-buffer'])) }
        : {}),
      // Costs a fifth to a quarter of the speed.
      ...(gentle ? { extra: { session: { intra_op: { allow_spinning: '0' } } } } : {}),
    })
  } catch (error) {
    throw engineError('could not load the model', error)
  }
}

const PROVIDER_OPTIONS: Record<Provider, InferenceSession.SessionOptions> = {
  cpu: { executionProviders: ['cpu'] },
  webgpu: { executionProviders: ['webgpu'] },
  cuda: { executionProviders: ['cuda'] },
  // DirectML refuses memory patterns.
  dml: { executionProviders: ['dml'], enableMemPattern: false },
  // COREML_FLAG_ENABLE_ON_SUBGRAPH: our work is in the body of a loop. COREML_FLAG_CREATE_MLPROGRAM: float32 stays so.
  coreml: { executionProviders: [{ name: 'coreml', coreMlFlags: 0x002 | 0x010 }] },
}

/** @throws UserError `training/engine`, `training/memory`, `training/device-lost` */
export async function runSession(session: Session, feeds: Feeds): Promise<Feeds> {
  try {
    return (await session.run(feeds)) as Feeds // our graphs have no outputs that are not tensors
  } catch (error) {
    throw engineError('stopped in the middle of its work', error)
  }
}

/** What a failure says of its cause, in the words of the providers' libraries. */
const CAUSES = [
  // Direct3D: DXGI_ERROR_DEVICE_REMOVED, _HUNG, _RESET.
  {
    code: 'training/device-lost',
    said: /device[ _](was |is )?(lost|removed|hung|reset)|887A000[567]/i,
    fix: 'Update the driver of the graphics card, or train on the CPU.',
  },
  // Direct3D's E_OUTOFMEMORY; VK_ERROR_OUT_OF_DEVICE_MEMORY; std::bad_alloc.
  {
    code: 'training/memory',
    said: /memory|alloc|8007000E/i,
    fix: 'Close other programs, or train a smaller model or batch: memory ran out.',
  },
  {
    code: 'training/engine',
    said: /(?:)/,
    fix: 'Run `gradstr devices` to test this machine. If the test passes, please report this message.',
  },
] as const

/** An engine's failure as an error that says whether memory or the device was the cause. */
export function engineError(what: string, cause: unknown): UserError {
  const detail = cause instanceof Error ? cause.message : String(cause)
  const { code, fix } = CAUSES.find(({ said }) => said.test(detail)) ?? CAUSES[2]
  return new UserError(code, { message: `The training engine ${what}: ${detail}`, fix, cause })
}
