import type { CustomerJob, Engagement, Work } from './state.ts'

/**
 * A copy of a job for the rules to write to; the fold's tests freeze what it is made of. What never changes once it is
 * there is shared: the plan, bids, manifests, figures, verdicts. By hand, since it is made for every entry of the log:
 * drafts that notice writes by themselves cost a hundred times as much.
 */
export const copyOf = (job: CustomerJob): CustomerJob => ({
  ...job,
  bids: [...job.bids],
  slots: job.slots.map(slot => ({ ...slot })),
  weights: job.weights.map(weights => ({ ...weights })),
  engagements: Object.fromEntries(
    Object.entries(job.engagements).map(([key, engagement]) => [key, engagementOf(engagement)]),
  ),
})

const engagementOf = (engagement: Engagement): Engagement => ({
  ...engagement,
  works: engagement.works.map(workOf),
  ...(engagement.receipt ? { receipt: { ...engagement.receipt } } : {}),
})

const workOf = (work: Work): Work => ({ ...work, lock: { ...work.lock } })
