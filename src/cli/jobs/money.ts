import { allWorks, type CustomerJob, money } from '../../core/jobs/index.ts'
import type { MoneySummary, ProviderMoney } from '../progress/summary.ts'
import type { Naming } from './view.ts'

/** Where every sat of a job went, by provider. */
export function moneyOf(job: CustomerJob, naming: Naming, before: number, after: number): MoneySummary {
  const { locked, paid, refunded, fees, open } = money(job)
  const openUntil = Math.max(
    0,
    ...allWorks(job).flatMap(({ work }) => (work.lock.status === 'open' ? [work.locktime] : [])),
  )
  const shares = new Map<string, ProviderMoney>()
  for (const { engagement, work } of allWorks(job)) {
    if (work.lock.locked === 0) continue
    const name = naming(engagement.bid.provider)
    const share = shares.get(name) ?? { name, rounds: 0, paidRounds: 0, paid: 0, refunded: 0 }
    share.rounds += 1
    share.paidRounds += work.verdict?.paid === 'full' ? 1 : 0
    share.paid += work.lock.released
    share.refunded += work.lock.refunded
    const { gone } = engagement
    if (gone && !['done', 'cancel'].includes(gone.code)) share.remark = gone.reason
    shares.set(name, share)
  }
  return {
    quoted: job.plan?.quoted ?? 0,
    cap: job.plan?.cap ?? 0,
    locked,
    paid,
    refunded,
    open,
    ...(open > 0 ? { openUntil } : {}),
    fees,
    before,
    after,
    providers: [...shares.values()],
    practice: job.plan?.practice ?? false,
  }
}
