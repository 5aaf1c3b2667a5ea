import type { z } from 'zod'

/** One kind of work: what goes to the worker, what comes back, and what is told on the way. */
export interface Task<
  I extends z.ZodType = z.ZodType,
  O extends z.ZodType = z.ZodType,
  P extends z.ZodType = z.ZodType,
> {
  input: I
  output: O
  /** Absent: the task reports no progress. */
  progress?: P
  /**
   * Milliseconds that a worker may take to hear that it should stop before it is killed. 0, at once: for tasks that leave nothing
   * behind and have nothing to keep. Short: for tasks that native code may keep from hearing, and that leave nothing which a
   * kill at any moment would spoil. The client's grace when left out.
   */
  hears?: number
}

export const task = <I extends z.ZodType, O extends z.ZodType, P extends z.ZodType = z.ZodNever>(
  definition: Task<I, O, P>,
): Task<I, O, P> => definition

/** The one object from which the worker's handlers and the client's callers are derived. */
export type Tasks = Record<string, Task>
export type TaskName<T extends Tasks> = keyof T & string
export type Input<K extends Task> = z.input<K['input']>
export type Output<K extends Task> = z.output<K['output']>
export type Progress<K extends Task> = K extends Task<z.ZodType, z.ZodType, infer P> ? z.output<P> : never

export interface CallOptions<K extends Task> {
  /** Aborting it ends the call with `compute/cancelled`, and the work itself, gently first. */
  signal?: AbortSignal
  onProgress?: (progress: Progress<K>) => void
}

export interface Caller<T extends Tasks> {
  /**
   * Runs one task in a worker process.
   * @throws UserError as the task threw it; `compute/worker-died` when the process ended, `compute/cancelled` when the
   * signal was aborted, `compute/closed` after `close()`
   */
  run<N extends TaskName<T>>(name: N, input: Input<T[N]>, options?: CallOptions<T[N]>): Promise<Output<T[N]>>
}

export interface HandlerContext<K extends Task> {
  signal: AbortSignal
  progress: (progress: z.input<NonNullable<K['progress']>>) => void
}

/** A handler for each task of the table: none missing, none more. */
export type Handlers<T extends Tasks> = {
  [N in TaskName<T>]: (
    input: z.output<T[N]['input']>,
    context: HandlerContext<T[N]>,
  ) => Promise<z.input<T[N]['output']>>
}
