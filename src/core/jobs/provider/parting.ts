import type { Seconds } from '../../../shared/units.ts'
import type { LeaveCode, ProviderEffect } from './log.ts'
import { type Engagement, heldShare, isDelivered, type Share } from './state.ts'

export type Ask = (effect: ProviderEffect) => void

/** Whatever was not released is signed back at once, also after good-bye was said: both sides are free. */
export function partWays(
  engagement: Engagement,
  share: Share,
  code: LeaveCode,
  reason: string,
  ask: Ask,
): void {
  giveBack(share, code, reason, ask)
  endAfter(engagement, code, reason, ask)
}

/** Ends the engagement over what a share that is closed now brought; a round that is held behind it is not begun. */
export function endAfter(engagement: Engagement, code: string, reason: string, ask: Ask): void {
  const held = heldShare(engagement)
  if (held) close(held, 'error', reason, ask)
  engagement.end ??= { at: engagement.clock, code, reason, mine: true }
  maybeCleanUp(engagement, ask)
}

/** Nothing comes for this share any more. A customer is to blame only for work that was sent in time. */
export function owe(share: Share): void {
  share.status = 'closed'
  if (isDelivered(share)) share.owed = true
}

export const notRedeemed = ({ round }: Share): string =>
  `Round ${round.round} with this customer is not redeemed.`

const giveBack = ({ round: { round } }: Share, code: LeaveCode, reason: string, ask: Ask): void =>
  ask({ id: `give-back:${round}`, type: 'give-back', round, code, reason })

/** Signs all of a share's lock back: nothing was delivered for it. */
function close(share: Share, code: LeaveCode, reason: string, ask: Ask): void {
  giveBack(share, code, reason, ask)
  share.status = 'closed'
}

export const leaveFor = (engagement: Engagement, code: LeaveCode, reason: string, ask: Ask): void =>
  goodbye(engagement, engagement.clock, code, reason, true, ask)

/**
 * Ends the engagement. Locks on work that was not delivered are signed back with the same word; a delivered update is
 * still to be judged, so its lock stays until the verdict.
 */
export function goodbye(
  engagement: Engagement,
  at: Seconds,
  code: LeaveCode,
  reason: string,
  mine: boolean,
  ask: Ask,
): void {
  if (engagement.end) return
  engagement.end = { at, code, reason, mine }
  const undelivered = engagement.shares.filter(
    ({ status }) => status !== 'sent' && status !== 'redeeming' && status !== 'closed',
  )
  for (const share of undelivered) close(share, mine ? code : 'done', reason, ask)
  if (mine && engagement.award && undelivered.length === 0) ask({ id: 'leave', type: 'leave', code, reason })
  maybeCleanUp(engagement, ask)
}

export function maybeCleanUp(engagement: Engagement, ask: Ask): void {
  if (!engagement.end || engagement.shares.some(share => share.status !== 'closed')) return
  if (engagement.candidate?.bid.receipts && engagement.shares.length > 0)
    ask({ id: 'receipt', type: 'receipt' })
  ask({ id: 'clean-up', type: 'clean-up' })
}
