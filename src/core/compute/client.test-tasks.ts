import { z } from 'zod'
import { task } from './task.ts'

/** A table of tasks that misbehave, for client.test.ts. */
export const oddTasks = {
  /** Says who it is and what it knows. */
  whoami: task({
    input: z.object({}),
    output: z.object({ pid: z.int(), env: z.record(z.string(), z.string()) }),
  }),
  count: task({
    input: z.object({ to: z.int() }),
    progress: z.object({ n: z.int() }),
    output: z.object({ sum: z.number() }),
  }),
  fail: task({
    input: z.object({ how: z.enum(['user', 'defect', 'crash', 'output']) }),
    output: z.object({ x: z.number() }),
  }),
  /** Works until it is stopped, and then says so in its own way. */
  patient: task({ input: z.object({}), progress: z.object({ pid: z.int() }), output: z.object({}) }),
  /** Blocks its thread, as native code does, and so never hears that it should stop. */
  deaf: task({ input: z.object({}), progress: z.object({ pid: z.int() }), output: z.object({}) }),
  /** Deaf for a while, with its work safe on disk. */
  absorbed: task({ input: z.object({}), output: z.object({}), hears: 50 }),
  /** Another process has its stderr: that it has ended is not reported before that one ends too. */
  holding: task({
    input: z.object({}),
    progress: z.object({ pid: z.int() }),
    output: z.object({}),
    hears: 0,
  }),
  /** Writes to a file and listens to nobody. */
  scribbling: task({
    input: z.object({ path: z.string() }),
    progress: z.object({}),
    output: z.object({}),
    hears: 0,
  }),
  /** Hears at once, and then needs longer to save its work than it may take to hear. */
  slow: task({
    input: z.object({}),
    progress: z.object({ pid: z.int() }),
    output: z.object({}),
    hears: 1000,
  }),
}
