import { parentPort, type Transferable } from 'node:worker_threads'

/** What a thread says to each request: an answer, or why there is none. */
export type Said<Answer> = { value: Answer } | { failed: Failure }

/** An error as it crosses threads; the system's codes (`ENOSPC`) would be lost otherwise. */
export interface Failure {
  message: string
  code: string | undefined
  stack: string | undefined
}

/**
 * The thread's side of `startThread`: answers what is asked, in the order it was asked.
 * @param moved  memory of an answer that is handed over instead of copied
 */
export function answerRequests<Request, Answer>(
  work: (request: Request) => Answer,
  moved: (answer: Answer) => Transferable[] = () => [],
): void {
  const port = parentPort
  if (port === null) throw new Error('this is the entry of a thread')
  port.on('message', (request: Request) => {
    try {
      const value = work(request)
      port.postMessage({ value } satisfies Said<Answer>, moved(value))
    } catch (error) {
      port.postMessage({ failed: failureOf(error) } satisfies Said<Answer>)
    }
  })
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: String(error), code: undefined, stack: undefined }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  return { message: error.message, code, stack: error.stack }
}
