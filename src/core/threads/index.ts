export { answerRequests } from './answer.ts'
export { type SpareThreads, spareThreads } from './spare.ts'
export { startThread, type Thread } from './thread.ts'
