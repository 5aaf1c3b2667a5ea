import { type Seconds, sats, seconds } from '../../../shared/units.ts'
import type { Entry, Machine } from '../machine.ts'
import type { LeaveCode, ProviderEffect, ProviderFact } from './log.ts'
import { type Engagement, emptyEngagement, idlePatience, type Share } from './state.ts'
import { unacceptable, unsoundRound } from './terms.ts'

type Ask = (effect: ProviderEffect) => void

/** The provider's side of one engagement. The same log gives the same state; a repeated wire event changes nothing. */
export const providerMachine: Machine<Engagement, ProviderFact, ProviderEffect> = {
  version: 1,
  initial: emptyEngagement,
  tick: { type: 'tick' },
  advance(state, entry) {
    const effects: ProviderEffect[] = []
    const engagement = copyOf(state)
    const ask: Ask = effect => void effects.push(effect)
    engagement.clock = entry.at
    record(engagement, entry, ask)
    expire(engagement, ask)
    return [engagement, effects]
  },
  wakeAt(engagement) {
    const at = patienceEnds(engagement)
    return at !== undefined && at >= engagement.clock ? seconds(at + 1) : undefined
  },
  over: engagement => engagement.phase === 'over',
  abandoned: (engagement, effect) =>
    engagement.end !== undefined &&
    ['bid', 'check-lock', 'fetch', 'train', 'upload', 'send-update'].includes(effect.type),
}

/** For the rules to write to; what never changes once it is there is shared. The fold's tests freeze what it is made of. */
const copyOf = (engagement: Engagement): Engagement => ({
  ...engagement,
  shares: engagement.shares.map(share => ({ ...share })),
})

const current = (engagement: Engagement): Share | undefined => engagement.shares.at(-1)

function record(engagement: Engagement, { at, fact }: Entry<ProviderFact>, ask: Ask): void {
  switch (fact.type) {
    case 'considered':
      if (engagement.candidate) return
      engagement.candidate = fact.candidate
      engagement.epoch = fact.candidate.job.epoch
      return ask({ id: 'bid', type: 'bid' })
    case 'bid-sent':
      engagement.bid = fact.bid
      if (engagement.phase === 'bidding') engagement.phase = 'waiting'
      return
    case 'award':
      return recordAward(engagement, at, fact, ask)
    case 'round':
      return recordRound(engagement, fact, ask)
    case 'verdict':
      return recordVerdict(engagement, fact, ask)
    case 'leave':
      if (fact.from !== engagement.candidate?.job.key || fact.leave.award !== engagement.award?.id) return
      return goodbye(engagement, at, fact.leave.code, fact.leave.reason, false, ask)
    case 'superseded':
      engagement.epoch = Math.max(engagement.epoch, fact.epoch)
      return
    case 'stop':
      return goodbye(engagement, at, 'pause', 'The provider stopped earning on this machine.', true, ask)
    case 'left':
    case 'answered':
    case 'tick':
      return
    case 'cleaned':
      engagement.phase = 'over'
      return
    default:
      return recordOutcome(engagement, at, fact, ask)
  }
}

function recordAward(
  engagement: Engagement,
  at: Seconds,
  { event, award, busy, misfit }: Extract<ProviderFact, { type: 'award' }>,
  ask: Ask,
): void {
  const { candidate } = engagement
  if (!candidate || engagement.award || engagement.phase !== 'waiting' || award.bid !== engagement.bid) return
  engagement.award = { id: event, content: award, at }
  engagement.phase = 'deciding'
  const answer = (accept: boolean, code: string, reason: string): void =>
    ask({ id: 'answer', type: 'answer', accept, code, reason })
  const bad = misfit ?? unacceptable(candidate, award)
  const refusal = busy
    ? { code: 'busy', reason: 'Another job is being trained on this machine.' }
    : bad === undefined
      ? undefined
      : { code: 'terms', reason: bad }
  if (refusal) {
    answer(false, refusal.code, refusal.reason)
    engagement.end = { at, ...refusal, mine: true }
    return ask({ id: 'clean-up', type: 'clean-up' })
  }
  engagement.phase = 'engaged'
  answer(true, 'accepted', 'Ready to work.')
}

function recordRound(
  engagement: Engagement,
  { event, from, at, round }: Extract<ProviderFact, { type: 'round' }>,
  ask: Ask,
): void {
  const { candidate, award, end } = engagement
  if (!candidate || !award || end || from !== candidate.job.key || round.award !== award.id) return
  // Fencing: a coordinator that was replaced elsewhere is not obeyed any more.
  if (round.epoch < engagement.epoch) return
  engagement.epoch = round.epoch
  if (engagement.shares.some(share => share.round.round >= round.round)) return
  const before = current(engagement)
  engagement.shares.push({ event, askedAt: at, round, status: 'checking' })
  // The next round may come while the mint is still at the last one's sats: it is looked at when they are here.
  if (before?.status === 'redeeming') return
  if (before && before.status !== 'closed')
    return leaveFor(
      engagement,
      'error',
      `Round ${before.round.round} with this customer is not redeemed.`,
      ask,
    )
  beginRound(engagement, ask)
}

function beginRound(engagement: Engagement, ask: Ask): void {
  const { round, askedAt } = current(engagement)!
  const unsound = unsoundRound(engagement, engagement.award!.content, round, askedAt)
  if (unsound !== undefined) return leaveFor(engagement, 'error', unsound, ask)
  ask({ id: `check-lock:${round.round}`, type: 'check-lock', round: round.round })
}

function recordVerdict(
  engagement: Engagement,
  { from, verdict }: Extract<ProviderFact, { type: 'verdict' }>,
  ask: Ask,
): void {
  const share = engagement.shares.find(s => s.round.round === verdict.round)
  if (from !== engagement.candidate?.job.key || verdict.award !== engagement.award?.id) return
  if (!share || share.verdict || share.status === 'closed') return
  share.verdict = verdict
  const released = verdict.witnesses.length > 0
  if (released) {
    share.status = 'redeeming'
    ask({ id: `redeem:${verdict.round}`, type: 'redeem', round: verdict.round })
  } else owe(share)
  if (released && verdict.paid === 'full') return maybeCleanUp(engagement, ask)
  const reason =
    released || verdict.paid === 'none'
      ? `Round ${verdict.round} was not paid in full.`
      : `The verdict on round ${verdict.round} says that it is paid, and releases nothing.`
  partWays(engagement, share, 'rejected', reason, ask)
}

/** Whatever was not released is signed back at once, also after good-bye was said: both sides are free. */
function partWays(engagement: Engagement, share: Share, code: LeaveCode, reason: string, ask: Ask): void {
  giveBack(share.round.round, code, reason, ask)
  endAfter(engagement, share, code, reason, ask)
}

/** Ends the engagement over what this share brought; a round that waits behind it is not begun. */
function endAfter(engagement: Engagement, share: Share, code: string, reason: string, ask: Ask): void {
  const next = current(engagement)
  if (next && next !== share && next.status === 'checking') {
    giveBack(next.round.round, 'error', reason, ask)
    next.status = 'closed'
  }
  engagement.end ??= { at: engagement.clock, code, reason, mine: true }
  maybeCleanUp(engagement, ask)
}

/** Nothing comes for this share any more. A customer is to blame only for work that was sent in time. */
function owe(share: Share): void {
  share.status = 'closed'
  if (isDelivered(share)) share.owed = true
}

export const isDelivered = ({ sentAt, round }: Share): boolean =>
  sentAt !== undefined && sentAt <= round.times.deadline

type OutcomeFact = Extract<ProviderFact, { round: number; type: Exclude<ProviderFact['type'], 'round'> }>

/** Outcomes of effects on one share: from the lock's check to the redeemed sats. */
function recordOutcome(engagement: Engagement, at: Seconds, fact: OutcomeFact, ask: Ask): void {
  const share = engagement.shares.find(s => s.round.round === fact.round)
  if (!share) return
  const then = (status: Share['status'], type: 'fetch' | 'train' | 'upload' | 'send-update'): void => {
    share.status = status
    if (!engagement.end) ask({ id: `${type}:${fact.round}`, type, round: fact.round })
  }
  switch (fact.type) {
    case 'refused':
      return leaveFor(engagement, 'error', fact.reason, ask)
    case 'lock-accepted':
      return then('fetching', 'fetch')
    case 'fetched':
      engagement.shard ??= { path: fact.shard }
      return then('training', 'train')
    case 'trained':
      share.result = {
        steps: fact.steps,
        losses: fact.losses,
        checkpoints: fact.checkpoints,
        path: fact.path,
      }
      return then('uploading', 'upload')
    case 'uploaded':
      share.manifest = fact.manifest
      return then('sending', 'send-update')
    case 'update-sent':
      share.sentAt = at
      if (share.status === 'sending') share.status = 'sent'
      return
    case 'redeemed':
      share.redeemed = fact.sats
      share.fee = fact.fee
      share.status = 'closed'
      if (share.verdict?.paid === 'full' && !isWhole(share))
        return partWays(engagement, share, 'error', shortfall(share), ask)
      if (!engagement.end && current(engagement) !== share) return beginRound(engagement, ask)
      return maybeCleanUp(engagement, ask)
    case 'redeem-refused':
      share.status = 'closed'
      return endAfter(engagement, share, 'unpaid', fact.reason, ask)
  }
}

/** Whether what was redeemed is the price that was agreed; the mint's fee is in the lock, beside it. */
export const isWhole = ({ round, redeemed = sats(0) }: Share): boolean => redeemed >= round.price

const shortfall = ({ round, redeemed }: Share): string =>
  `The verdict on round ${round.round} says that it is paid in full, and released ${redeemed} of ${round.price} sats.`

const giveBack = (round: number, code: LeaveCode, reason: string, ask: Ask): void =>
  ask({ id: `give-back:${round}`, type: 'give-back', round, code, reason })

const leaveFor = (engagement: Engagement, code: LeaveCode, reason: string, ask: Ask): void =>
  goodbye(engagement, engagement.clock, code, reason, true, ask)

/**
 * Ends the engagement. A lock on work that was not delivered is signed back with the same word; a delivered update is
 * still to be judged, so its lock stays until the verdict.
 */
function goodbye(
  engagement: Engagement,
  at: Seconds,
  code: LeaveCode,
  reason: string,
  mine: boolean,
  ask: Ask,
): void {
  if (engagement.end) return
  engagement.end = { at, code, reason, mine }
  const share = current(engagement)
  const delivered = share?.status === 'sent' || share?.status === 'redeeming' || share?.status === 'closed'
  if (share && !delivered) {
    giveBack(share.round.round, mine ? code : 'done', reason, ask)
    share.status = 'closed'
  } else if (mine && engagement.award) ask({ id: 'leave', type: 'leave', code, reason })
  maybeCleanUp(engagement, ask)
}

function maybeCleanUp(engagement: Engagement, ask: Ask): void {
  if (!engagement.end || engagement.shares.some(share => share.status !== 'closed')) return
  if (engagement.candidate?.bid.receipts && engagement.shares.length > 0)
    ask({ id: 'receipt', type: 'receipt' })
  ask({ id: 'clean-up', type: 'clean-up' })
}

/** What is waited for: the last round, or, once the engagement has ended, one before it that is still owed. */
const awaited = (engagement: Engagement): Share | undefined =>
  (engagement.end && engagement.shares.findLast(({ status }) => status !== 'closed')) ?? current(engagement)

/** When waiting any longer makes no sense. */
function patienceEnds(engagement: Engagement): number | undefined {
  const { candidate, end } = engagement
  if (!candidate || engagement.phase === 'over') return undefined
  if (engagement.phase === 'bidding' || engagement.phase === 'waiting') return candidate.bid.validUntil
  const share = awaited(engagement)
  if (!share) return end ? undefined : engagement.award!.at + idlePatience
  // Past T the customer can take everything back: nothing is to be had any more.
  if (share.status === 'sent' || share.status === 'redeeming') return share.round.times.locktime
  return end ? undefined : Math.max(share.round.times.redeemBy, share.round.times.deadline) + idlePatience
}

function expire(engagement: Engagement, ask: Ask): void {
  const by = patienceEnds(engagement)
  if (by === undefined || engagement.clock <= by) return
  const share = awaited(engagement)
  if (share?.status === 'sent') {
    owe(share)
    engagement.end ??= {
      at: engagement.clock,
      code: 'unpaid',
      reason: `No verdict on round ${share.round.round} before its lock ended.`,
      mine: true,
    }
    return maybeCleanUp(engagement, ask)
  }
  if (share?.status === 'redeeming') return // the wallet says how it ended
  if (engagement.award) return leaveFor(engagement, 'error', 'No further round came.', ask)
  engagement.end ??= { at: engagement.clock, code: 'lapsed', reason: 'The bid was not taken.', mine: true }
  ask({ id: 'clean-up', type: 'clean-up' })
}
