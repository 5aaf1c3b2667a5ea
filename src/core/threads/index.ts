export { answerRequests } from './answer.ts'
export { spareThreads } from './spare.ts'
export { startThread, type Thread } from './thread.ts'
