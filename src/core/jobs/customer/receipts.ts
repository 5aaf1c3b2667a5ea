import type { Seconds } from '../../../shared/units.ts'
import type { Ask } from './hiring.ts'
import type { CustomerJob, Engagement } from './state.ts'

/** Both sides said that they would publish, something was asked, and it is not published yet. */
const owesReceipt = (job: CustomerJob, { bid, works, receipt }: Engagement): boolean =>
  job.plan?.receipts === true &&
  bid.bid.receipts === true &&
  receipt?.published !== true &&
  works.some(({ sentAt }) => sentAt !== undefined)

export const owesReceipts = (job: CustomerJob): boolean =>
  Object.values(job.engagements).some(engagement => owesReceipt(job, engagement))

/** Nothing of the engagement changes any more, on this side: its works are judged and its locks settled. */
const isOver = ({ status, works }: Engagement): boolean =>
  status === 'gone' &&
  works.every(work => work.status === 'closed' && ['none', 'settled'].includes(work.lock.status))

/** When it is looked again whether all that was released is redeemed. */
export const receiptAt = (job: CustomerJob, engagement: Engagement): Seconds | undefined =>
  owesReceipt(job, engagement) ? engagement.receipt?.notBefore : undefined

export function askReceipts(job: CustomerJob, ask: Ask): void {
  for (const engagement of Object.values(job.engagements)) {
    if (!owesReceipt(job, engagement) || !isOver(engagement)) continue
    engagement.receipt ??= { tries: 0, notBefore: job.clock, published: false }
    const { tries, notBefore } = engagement.receipt
    if (job.clock >= notBefore)
      ask({ id: `receipt:${engagement.key}:${tries}`, type: 'receipt', key: engagement.key })
  }
}
