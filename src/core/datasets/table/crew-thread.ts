import { answerRequests } from '../../threads/index.ts'
import { memoryOf, readPart } from '../csv/part.ts'
import { encodeBlocks } from '../fit/encode-blocks.ts'
import { tally } from '../fit/tally.ts'

/** What can be done to a piece of a large table by itself: the answer is the same wherever it is done. */
const tasks = { part: readPart, tally, encode: encodeBlocks }

export type Tasks = typeof tasks
export type Answer = ReturnType<Tasks[keyof Tasks]>
/** @property request  what the task of that name takes */
export interface Call {
  task: keyof Tasks
  request: Parameters<Tasks[keyof Tasks]>[0]
}

answerRequests<Call, Answer>(
  ({ task, request }) => tasks[task](request as never), // `Crew` has paired them
  answer => (answer && 'lines' in answer ? memoryOf(answer) : []),
)
