import { datasetTasks } from './datasets.ts'
import { judgingTasks } from './judging.ts'
import { machineTasks } from './machine.ts'
import { modelTasks } from './models.ts'
import { trainingTasks } from './training.ts'

/**
 * What a worker process can do. Files are named by path, scalars travel in the message; every output is plain JSON, so
 * that a job's log can keep it. Cancelling any of them leaves no half-written file: those that write are heard out for the client's
 * grace, unless what a kill leaves behind lies where it is looked for: beside checkpoints, in a folder that is made anew, or in a
 * draft's, which whoever cancelled it removes.
 */
export const tasks = { ...datasetTasks, ...trainingTasks, ...judgingTasks, ...modelTasks, ...machineTasks }

export type GradstrTasks = typeof tasks
