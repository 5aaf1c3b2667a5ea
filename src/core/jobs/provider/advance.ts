import { type Seconds, seconds } from '../../../shared/units.ts'
import type { Entry, Machine } from '../machine.ts'
import type { ProviderEffect, ProviderFact } from './log.ts'
import { type Ask, endAfter, goodbye, leaveFor, maybeCleanUp, notRedeemed, owe, partWays } from './parting.ts'
import { expire, patienceEnds } from './patience.ts'
import { type Engagement, emptyEngagement, heldShare, isWhole, openShare, type Share } from './state.ts'
import { unacceptable, unsoundRound } from './terms.ts'

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
      if (fact.from !== engagement.candidate?.job.key) return
      // Who was away is told the two over different subscriptions, in any order.
      if (!engagement.award) engagement.parting = fact.leave
      if (fact.leave.award !== engagement.award?.id) return
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
  const { parting } = engagement
  delete engagement.parting
  if (parting?.award === event) return goodbye(engagement, at, parting.code, parting.reason, false, ask)
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
  const before = openShare(engagement)
  const held = heldShare(engagement)
  const share: Share = { event, askedAt: at, round, status: before ? 'held' : 'checking' }
  engagement.shares.push(share)
  if (!before) return beginRound(engagement, share, ask)
  // Relays may turn the verdict on one round and the next round about; two rounds ahead nobody's order brings.
  if (held) leaveFor(engagement, 'error', notRedeemed(before), ask)
}

function beginRound(engagement: Engagement, share: Share, ask: Ask): void {
  share.status = 'checking'
  const { round, askedAt } = share
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
      return goOn(engagement, ask)
    case 'redeem-refused':
      share.status = 'closed'
      return endAfter(engagement, 'unpaid', fact.reason, ask)
  }
}

/** The last round is settled whole: the next may begin, if it is here already. */
function goOn(engagement: Engagement, ask: Ask): void {
  const next = heldShare(engagement)
  if (next) return beginRound(engagement, next, ask)
  maybeCleanUp(engagement, ask)
}

const shortfall = ({ round, redeemed }: Share): string =>
  `The verdict on round ${round.round} says that it is paid in full, and released ${redeemed} of ${round.price} sats.`
