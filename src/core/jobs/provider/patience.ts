import { type Ask, endAfter, leaveFor, notRedeemed, owe } from './parting.ts'
import { type Engagement, heldShare, idlePatience, openShare } from './state.ts'

/** When waiting any longer makes no sense. */
export function patienceEnds(engagement: Engagement): number | undefined {
  const { candidate, end } = engagement
  if (!candidate || engagement.phase === 'over') return undefined
  if (engagement.phase === 'bidding' || engagement.phase === 'waiting') return candidate.bid.validUntil
  const share = openShare(engagement) ?? engagement.shares.at(-1)
  if (!share) return end ? undefined : engagement.award!.at + idlePatience
  // Past T the customer can take everything back: nothing is to be had any more.
  if (share.status === 'sent' || share.status === 'redeeming')
    return Math.min(share.round.times.locktime, heldUntil(engagement))
  return end ? undefined : Math.max(share.round.times.redeemBy, share.round.times.deadline) + idlePatience
}

/** Past its deadline a round that is held cannot be worked any more. */
const heldUntil = (engagement: Engagement): number =>
  heldShare(engagement)?.round.times.deadline ?? Number.POSITIVE_INFINITY

/** Ends what was waited for in vain. */
export function expire(engagement: Engagement, ask: Ask): void {
  const { clock } = engagement
  const by = patienceEnds(engagement)
  if (by === undefined || clock <= by) return
  const share = openShare(engagement)
  if (share?.status === 'sent' || share?.status === 'redeeming') {
    if (clock > heldUntil(engagement)) leaveFor(engagement, 'error', notRedeemed(share), ask)
    // What is being redeemed ends as the wallet says.
    if (share.status === 'redeeming' || clock <= share.round.times.locktime) return
    owe(share)
    const reason = `No verdict on round ${share.round.round} before its lock ended.`
    return endAfter(engagement, 'unpaid', reason, ask)
  }
  if (engagement.award) return leaveFor(engagement, 'error', 'No further round came.', ask)
  engagement.end ??= { at: clock, code: 'lapsed', reason: 'The bid was not taken.', mine: true }
  ask({ id: 'clean-up', type: 'clean-up' })
}
