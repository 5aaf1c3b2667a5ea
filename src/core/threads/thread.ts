import { SHARE_ENV, Worker } from 'node:worker_threads'
import { compileCache } from '../../shared/compile-cache.ts'
import type { Failure, Said } from './answer.ts'

/** A thread that computes beside this one. What both shall see lies in `SharedArrayBuffer`s. */
export interface Thread<Request, Answer> {
  /**
   * Answered in the order it was asked.
   * @throws whatever the work threw, its `code` with it; Error when the thread has ended
   */
  ask(request: Request): Promise<Answer>
  /** Whether the process goes on for its sake. It does from the start. */
  holdsProcess(holds: boolean): void
  readonly ended: boolean
  stop(): Promise<void>
}

interface Waiting<Answer> {
  resolve(answer: Answer): void
  reject(error: unknown): void
}

/** @param entry  a module that calls `answerRequests`, as `new URL('./name.ts', import.meta.url)` */
export function startThread<Request, Answer>(entry: URL): Thread<Request, Answer> {
  const worker = new Worker(entry, { env: environment() })
  const waiting: Waiting<Answer>[] = []
  let ended: Error | undefined
  worker.on('message', (said: Said<Answer>) => {
    const { resolve, reject } = waiting.shift()! // one answer for each request
    if ('value' in said) resolve(said.value)
    else reject(errorOf(said.failed))
  })
  const end = (error: Error) => {
    ended ??= error
    for (const { reject } of waiting.splice(0)) reject(ended)
  }
  worker.on('error', end)
  worker.on('exit', code => end(new Error(`the thread has ended (${code})`)))
  return {
    ask: request =>
      new Promise((resolve, reject) => {
        if (ended) return reject(ended)
        waiting.push({ resolve, reject })
        worker.postMessage(request)
      }),
    holdsProcess: holds => (holds ? worker.ref() : worker.unref()),
    get ended() {
      return ended !== undefined
    },
    stop: async () => void (await worker.terminate()),
  }
}

function environment(): NodeJS.Dict<string> | typeof SHARE_ENV {
  const cache = compileCache()
  return cache.NODE_COMPILE_CACHE === undefined ? SHARE_ENV : { ...process.env, ...cache }
}

function errorOf({ message, code, stack }: Failure): Error {
  const error = Object.assign(new Error(message), code === undefined ? {} : { code })
  if (stack !== undefined) error.stack = stack
  return error
}
