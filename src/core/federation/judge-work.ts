import type { Case, WorkJudgement } from './case.ts'
import {
  ALIKE,
  finiteOnly,
  likeness,
  medianGain,
  medianNorm,
  noiseOf,
  replays,
  SAME,
  shown,
} from './expected.ts'
import { judgeByReference } from './judge-reference.ts'

/** An update far shorter than the others': few steps, or an easy shard. The own run tells. */
const SHORT = 0.6
/** A gain this far below the median, noise aside, may be fewer steps than were paid: early steps gain the most. */
const SLOW = 0.9
/** Least likeness of honest updates to each other, where gains say nothing any more. */
const KINDRED = 0.1

/**
 * "Was the work done?" (training.md), the rule of payment:
 *
 * 1. The file must be the model's and finite.
 * 2. With the customer's own run on the same shard, that run decides; see judge-reference.ts.
 * 3. Without one, and with three or more updates, the gain on the assigned shard must reach ρ · the round's median,
 *    up to two standard errors of its own. Less than that is paid in part, gain / median, when it is clear (above two
 *    standard errors and a twentieth of the median); what is not clear is not paid.
 * 4. Where all this leaves room for doubt (`doubt`), the customer makes its own run and asks again: an honest provider
 *    with an odd shard is cleared by it, a tenth of the steps, which may well reach ρ of an early round's gain, is not.
 */
export function judgeWork(subject: Case): WorkJudgement {
  const { figures, reference } = subject
  const base = { figures: named(subject), doubt: null, planAtFault: null }
  if (figures.problem !== null)
    return {
      ...base,
      paid: 'none',
      fraction: 0,
      reason: `The update is not one of this model: ${figures.problem}.`,
    }
  if (reference) return { ...base, ...judgeByReference(subject, reference) }
  const verdict = judgeByMedian(subject)
  return { ...base, ...verdict, doubt: verdict.paid === 'full' ? suspicion(subject) : verdict.doubt }
}

type Verdict = Pick<WorkJudgement, 'paid' | 'fraction' | 'reason' | 'doubt'>

function judgeByMedian(subject: Case): Verdict {
  const { figures, rho } = subject
  const none = (reason: string): Verdict => ({ paid: 'none', fraction: 0, reason, doubt: reason })
  const full = (reason: string): Verdict => ({ paid: 'full', fraction: 1, reason, doubt: null })
  if (!figures.finite) return none('The update holds numbers that are not finite.')
  const gain = figures.own?.gain ?? null
  if (gain === null) return none('With this update the loss on the assigned shard is not a number any more.')
  const noise = noiseOf(figures.own)
  const copy = copied(subject)
  if (copy) return none(copy)
  const expected = medianGain(subject)
  if (expected === null)
    return gain > noise
      ? full(`The loss on the assigned shard fell by ${shown(gain)}.`)
      : none(`The loss on the assigned shard did not fall clearly (by ${shown(gain)}).`)
  const fell = `The loss on the assigned shard fell by ${shown(gain)}; the round's median is ${shown(expected)}`
  if (expected > 0 && gain >= rho * expected - noise) return full(`${fell}, of which ${shown(rho)} was due.`)
  if (expected <= 0 && gain >= -noise) return full(`${fell}.`)
  const fraction = expected > 0 ? gain / expected : 0
  if (gain <= noise || fraction < 0.05) return none(`${fell}: too little to count as work.`)
  return { paid: 'part', fraction, reason: `${fell}: paid for that part.`, doubt: `${fell}.` }
}

/** Why a full payment by the median might still be undeserved; null when nothing speaks against it. */
function suspicion(subject: Case): string | null {
  const { figures } = subject
  const [expected, norm] = [medianGain(subject), medianNorm(subject)]
  if (expected === null) return 'Fewer than three updates were measured: there is no median to compare with.'
  if (expected <= 0) return 'No provider of the round gained anything: the plan may be at fault.'
  const close = likeness(subject)
  const twin = close.find(peer => peer.cosine >= ALIKE)
  if (twin) return `It is nearly the same as another update of the round (cosine ${shown(twin.cosine)}).`
  if (replays(subject).some(cosine => cosine >= ALIKE))
    return 'It is nearly the same as an update of an earlier round.'
  if (norm && figures.norm !== null && figures.norm < SHORT * norm.least)
    return `Its norm is ${shown(figures.norm)} where the others have ${shown(norm.least)}.`
  const noise = noiseOf(figures.own)
  if (figures.own!.gain! < SLOW * expected - noise) return 'Its gain is below the others’.'
  if (expected <= noise && !close.some(peer => peer.cosine >= KINDRED))
    return 'The gains of this round are within the noise, and it is unlike the others’ updates.'
  return null
}

function copied(subject: Case): string | null {
  const twin = likeness(subject).find(peer => peer.cosine >= SAME && peer.earlier)
  if (twin) return 'It is the same as an update that arrived before it in this round.'
  return replays(subject).some(cosine => cosine >= SAME)
    ? 'It is the same as an update of an earlier round.'
    : null
}

/** What decided, for the verdict: the names are read by people. */
function named(subject: Case): Record<string, number> {
  const { figures: f, reference } = subject
  const all: Record<string, number | null | undefined> = {
    'steps awarded': f.steps,
    'loss on assigned shard before': f.own?.before,
    'loss on assigned shard after': f.own?.after,
    'gain on assigned shard': f.own?.gain,
    'standard error of that gain': f.own?.error,
    'median gain of the round': medianGain(subject),
    'norm of the update': f.norm,
    'gain of own run': reference?.curve.at(-1)?.gain.gain,
    'steps of own run': reference?.steps,
    'cosine with own run': reference?.cosine,
  }
  return finiteOnly(all)
}
