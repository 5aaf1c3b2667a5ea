export { type Acquaintances, openAcquaintances } from './acquaintances.ts'
export { customerMachine } from './customer/advance.ts'
export { isResting } from './customer/closing.ts'
export {
  type Draft,
  type DraftStep,
  draft,
  liveTimes,
  MNIST,
  type Order,
  practiceTimes,
} from './customer/draft.ts'
export type { CustomerFact } from './customer/log.ts'
export type { Quote } from './customer/quote.ts'
export { owesReceipts } from './customer/receipts.ts'
export { findJobs, isSuperseded, type LostJob, recoverJob } from './customer/recover.ts'
export { type CustomerWatch, type OpenJob, openJob } from './customer/service.ts'
export {
  allWorks,
  type CustomerJob,
  type Engagement as Hired,
  ended,
  money,
  type Plan,
  secondsOf,
  type Times,
  type Work,
} from './customer/state.ts'
export { type Journal, openJournal } from './journal.ts'
export { type Entry, replay } from './machine.ts'
export { providerMachine } from './provider/advance.ts'
export type { Terms } from './provider/consider.ts'
export { ProviderService, type ProviderWatch } from './provider/service.ts'
export type { Engagement } from './provider/state.ts'
export { keepTidy } from './tidy.ts'
export type { Tools } from './tools.ts'
