import { flushCompileCache } from 'node:module'
import { reportOf, UserError } from '../../shared/errors.ts'
import { ENDING_SIGNALS, type EndingSignal } from '../../shared/signals.ts'
import type { FromWorker, ToWorker } from './messages.ts'
import type { HandlerContext, Handlers, Task, Tasks } from './task.ts'

/** The worker's end of the line: `process`, or whatever has these. */
export interface Line {
  on(event: 'message', listener: (message: ToWorker) => void): unknown
  on(event: 'disconnect' | EndingSignal, listener: () => void): unknown
  send?: (message: FromWorker) => unknown
  exit(code: number): void
}

/** Answers calls from the host by the table's handlers. A worker whose host is gone ends by itself. */
export function serve<T extends Tasks>(tasks: T, handlers: Handlers<T>, line: Line): void {
  let running: { call: number; stop: AbortController } | undefined
  const send = (message: FromWorker) => line.send?.(message)

  const run = async (call: number, name: string, input: unknown): Promise<void> => {
    const stop = new AbortController()
    running = { call, stop }
    try {
      const task = tasks[name]
      if (!task) throw new UserError('compute/unknown-task', unknownTask(name))
      const progress = (value: unknown) => send({ type: 'progress', call, value })
      const context: HandlerContext<Task> = { signal: stop.signal, progress }
      const handler = handlers[name] as Handlers<Tasks>[string] // the same key in the same table
      send({ type: 'success', call, value: await handler(task.input.parse(input), context) })
    } catch (error) {
      send({ type: 'error', call, error: reportOf(error) })
    } finally {
      running = undefined
      // What a task had compiled is kept now: workers are killed, and only a process that ends would keep it then.
      flushCompileCache()
    }
  }

  line.on('message', message => {
    if (message.type === 'run') void run(message.call, message.task, message.input)
    else if (running?.call === message.call) {
      send({ type: 'stopping', call: message.call })
      running.stop.abort()
    }
  })
  line.on('disconnect', () => line.exit(0))
  // Ctrl-C in a terminal reaches every process of the command: what becomes of the work under way is for the host to say.
  for (const signal of ENDING_SIGNALS) line.on(signal, () => undefined)
}

const unknownTask = (name: string) => ({
  message: `The compute process does not know the task "${name}".`,
  fix: 'Two versions of Gradstr are mixed: install it again.',
})
