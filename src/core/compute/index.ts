import { type ComputeClient, type ComputeOptions, computeClient } from './client.ts'
import { type GradstrTasks, tasks } from './tasks/index.ts'

export { type ComputeClient, type ComputeOptions, computeClient } from './client.ts'
export { type Line, serve } from './serve.ts'
export { type Survey, type Surveyed, surveyEngines } from './survey.ts'
export {
  type Caller,
  type CallOptions,
  type HandlerContext,
  type Handlers,
  type Input,
  type Output,
  type Progress,
  type Task,
  type Tasks,
  task,
} from './task.ts'
export { type GradstrTasks, tasks } from './tasks/index.ts'

/** Gradstr's own workers. */
export type Compute = ComputeClient<GradstrTasks>
export type TaskHandlers = import('./task.ts').Handlers<GradstrTasks>
export const openCompute = (options: ComputeOptions): Compute => computeClient(tasks, options)
