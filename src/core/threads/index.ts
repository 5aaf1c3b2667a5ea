export { answerRequests } from './answer.ts'
export { startThread, type Thread } from './thread.ts'
