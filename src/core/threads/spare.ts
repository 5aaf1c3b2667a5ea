import { startThread, type Thread } from './thread.ts'

/** How long a thread without work is kept, in milliseconds: starting one takes longer than sealing forty megabytes. */
const patience = 10_000

/** Threads that have done their work and wait for more; they keep no process from ending. */
export interface SpareThreads<Request, Answer> {
  /** One that waits, or a new one. */
  take(): Thread<Request, Answer>
  /** For the next who takes one: it must have answered everything, and remember nothing. */
  keep(thread: Thread<Request, Answer>): void
}

/**
 * @param entry  as for `startThread`
 * @param most   threads that wait at the same time
 */
export function spareThreads<Request, Answer>(entry: URL, most: number): SpareThreads<Request, Answer> {
  const spare = new Map<Thread<Request, Answer>, NodeJS.Timeout>()
  const forget = (thread: Thread<Request, Answer>) => {
    clearTimeout(spare.get(thread))
    spare.delete(thread)
  }
  return {
    take() {
      for (const thread of spare.keys()) {
        forget(thread)
        if (thread.ended) continue
        thread.holdsProcess(true)
        return thread
      }
      return startThread(entry)
    },
    keep(thread) {
      if (spare.size >= most) return void thread.stop()
      thread.holdsProcess(false)
      const leave = () => {
        forget(thread)
        void thread.stop()
      }
      spare.set(thread, setTimeout(leave, patience).unref())
    },
  }
}
