import { availableParallelism } from 'node:os'
import { UserError } from '../../shared/errors.ts'
import { type InferenceSession, ort, type Tensor } from './onnxruntime.ts'

export type Feeds = Record<string, Tensor>
export type Session = InferenceSession

export interface SessionOptions {
  /** Cores to use; all when left out, half of them when gentle. */
  threads?: number | undefined
  /** Leaves the machine usable for the person at it: threads sleep instead of spin while they wait. */
  gentle?: boolean | undefined
  /** ONNX Runtime's execution providers, best first. */
  providers?: readonly string[] | undefined
}

export function threadsOf({ threads, gentle = false }: SessionOptions): number {
  const cores = availableParallelism()
  return threads ?? (gentle ? Math.max(1, Math.floor(cores / 2)) : cores)
}

/**
 * Opens a model in ONNX Runtime. One session a process at a time: several slow each other, and worker threads crash.
 * @throws UserError `training/engine`
 */
export async function openSession(model: Uint8Array, options: SessionOptions = {}): Promise<Session> {
  const { gentle = false, providers = ['cpu'] } = options
  try {
    return await ort.InferenceSession.create(model, {
      executionProviders: providers,
      intraOpNumThreads: threadsOf(options),
      interOpNumThreads: 1,
      executionMode: 'sequential',
      logSeverityLevel: 3,
      // Costs a fifth to a quarter of the speed.
      ...(gentle ? { extra: { session: { intra_op: { allow_spinning: '0' } } } } : {}),
    })
  } catch (error) {
    throw engineError('could not load the model', error)
  }
}

/** @throws UserError `training/engine`, e.g. when memory runs out */
export async function runSession(session: Session, feeds: Feeds): Promise<Feeds> {
  try {
    return (await session.run(feeds)) as Feeds // our graphs have no outputs that are not tensors
  } catch (error) {
    throw engineError('stopped in the middle of its work', error)
  }
}

function engineError(what: string, cause: unknown): UserError {
  const detail = cause instanceof Error ? cause.message : String(cause)
  const memory = /alloc|memory/i.test(detail)
  return new UserError('training/engine', {
    message: `The training engine ${what}: ${detail}`,
    fix: memory
      ? 'Close other programs, or train a smaller model or batch: memory ran out.'
      : 'Run `gradstr devices` to test this machine. If the test passes, please report this message.',
    cause,
  })
}
