import type { ErrorReport } from '../../shared/errors.ts'

/** What the host says to a worker. One call at a time; `stop` concerns the call under way. */
export type ToWorker =
  | { type: 'run'; call: number; task: string; input: unknown }
  | { type: 'stop'; call: number }

/** What a worker says. Scalars and paths only: datasets and weights travel as files. */
export type FromWorker =
  | { type: 'progress'; call: number; value: unknown }
  /** It has heard that it should stop, and is about to. */
  | { type: 'stopping'; call: number }
  | { type: 'success'; call: number; value: unknown }
  | { type: 'error'; call: number; error: ErrorReport }
