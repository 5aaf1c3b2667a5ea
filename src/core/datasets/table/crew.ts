import { availableParallelism } from 'node:os'
import { startThread, type Thread } from '../../threads/index.ts'
import type { Answer, Call, Tasks } from './crew-thread.ts'

/** Threads for the passes over one table. */
export interface Crew {
  readonly size: number
  /** Whoever has least to do does it; each does what it was asked in that order. */
  ask<Task extends keyof Tasks>(
    task: Task,
    request: Parameters<Tasks[Task]>[0],
  ): Promise<ReturnType<Tasks[Task]>>
  stop(): Promise<void>
}

const MOST_THREADS = 4

interface Member {
  thread: Thread<Call, Answer>
  load: number
}

/** A thread is started when there is something to do for it, and ends with `stop`. */
export function crewOf(size = Math.min(MOST_THREADS, availableParallelism())): Crew {
  const members: Member[] = []
  const start = () => {
    const entry = new URL('./crew-thread.ts', import.meta.url)
    const member = { thread: startThread<Call, Answer>(entry), load: 0 }
    members.push(member)
    return member
  }
  const idlest = () => {
    const free = members.toSorted((a, b) => a.load - b.load)[0]
    return free && (free.load === 0 || members.length === size) ? free : start()
  }
  return {
    size,
    async ask<Task extends keyof Tasks>(task: Task, request: Parameters<Tasks[Task]>[0]) {
      const member = idlest()
      member.load++
      try {
        // The answer is that task's.
        return (await member.thread.ask({ task, request })) as ReturnType<Tasks[Task]>
      } finally {
        member.load--
      }
    },
    stop: async () => void (await Promise.all(members.splice(0).map(({ thread }) => thread.stop()))),
  }
}
