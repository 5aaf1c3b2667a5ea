import type { GradstrTasks, TaskHandlers } from '../../core/compute/index.ts'

/** A handler of one of Gradstr's tasks. */
export type Handler<N extends keyof GradstrTasks> = TaskHandlers[N]

type Given<T> = { [K in keyof T]: Exclude<T[K], undefined> }

/** What was left out of a message is left out of a call: rooms tell `undefined` from absent. */
export const given = <T extends object>(options: T): Given<T> =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Given<T> // the same keys
