import type { Case, WorkJudgement } from './case.ts'
import {
  ALIKE,
  expected,
  finiteOnly,
  likeness,
  likenessOfOthers,
  medianNorm,
  noiseOf,
  repeated,
  replays,
  SIGMAS,
  shown,
} from './expected.ts'
import { judgeByReference } from './judge-reference.ts'
import { median } from './quorum.ts'

/** An update this much shorter than the others': few steps, or an easy shard. The own run tells. */
const SHORT = 0.75
/** And this much longer: inflated, or an odd shard. */
const LONG = 2
/** An update this much less like the others than they are like each other: something else, or an odd shard. */
const UNLIKE = 0.5
/** Below this the others are not like each other either, and so vouch for nobody. */
const KINDRED = 0.05
/** Less than this part of the expected gain is no work. */
const LEAST = 0.05

/**
 * "Was the work done?", the rule of payment:
 *
 * 1. The file must be an update of this model, and finite.
 * 2. With the customer's own run on the same shard, that run decides; see judge-reference.ts.
 * 3. Without one, and with three or more updates, the gain on the assigned shard must reach ρ · the round's median, up
 *    to the noise: two standard deviations of sampling and of the round's gains together. Late in a job, where each
 *    provider steps around a minimum and gains are as often negative, everybody so passes.
 *    A gain that falls short but is clear (above two standard errors) is paid in part, gain / median.
 * 4. A gain cannot tell everything: early in a job a tenth of the steps reaches more than ρ of it, late in a job noise
 *    does. So whatever gains clearly less than the others, is shorter or longer, unlike them, too like one of them, or
 *    would not be paid in full, is in doubt: the customer makes its own run on that shard and asks again, with the run.
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
  return { ...base, ...verdict, doubt: verdict.paid === 'full' ? suspicion(subject) : verdict.reason }
}

type Verdict = Pick<WorkJudgement, 'paid' | 'fraction' | 'reason'>
const full = (reason: string): Verdict => ({ paid: 'full', fraction: 1, reason })
const none = (reason: string): Verdict => ({ paid: 'none', fraction: 0, reason })

function judgeByMedian(subject: Case): Verdict {
  const { figures, rho } = subject
  const gain = figures.own?.gain ?? null
  if (!figures.finite) return none('The update holds numbers that are not finite.')
  if (gain === null) return none('With this update the loss on the assigned shard is not a number any more.')
  const origin = repeated(subject)
  if (origin) return none(`It is the same as another update of ${origin}.`)
  const round = expected(subject)
  const fell = fallOf(gain)
  if (round === null) return gain > noiseOf(figures.own) ? full(`${fell}.`) : none(`${fell}: not clearly.`)
  const beside = `${fell}; the round's median gain is ${shown(round.gain)}`
  if (gain >= rho * round.gain - noiseOfRound(subject))
    return full(`${beside}, of which ${shown(rho)} was due.`)
  const fraction = round.gain > 0 ? gain / round.gain : 0
  if (gain <= noiseOf(figures.own) || fraction < LEAST) return none(`${beside}: too little to count as work.`)
  return { paid: 'part', fraction: Math.min(fraction, rho), reason: `${beside}: paid for that part.` }
}

const fallOf = (gain: number): string =>
  `The loss on the assigned shard ${gain < 0 ? 'rose' : 'fell'} by ${shown(Math.abs(gain))}`

const noiseOfRound = (subject: Case): number =>
  SIGMAS * Math.hypot(subject.figures.own?.error ?? 0, expected(subject)?.spread ?? 0)

/** Why a full payment by the median might still be undeserved; null when nothing speaks against it. */
function suspicion(subject: Case): string | null {
  const { figures } = subject
  const [round, norm, others] = [expected(subject), medianNorm(subject), likenessOfOthers(subject)]
  if (round === null) return 'Fewer than three updates were measured: there is no median to compare with.'
  const close = likeness(subject).map(peer => peer.cosine)
  if (Math.max(...close, ...replays(subject), -1) >= ALIKE) return 'It is nearly the same as another update.'
  if (norm && (figures.norm ?? 0) < SHORT * norm.least)
    return `Its norm is ${shown(figures.norm ?? 0)} where the others have ${shown(norm.least)}.`
  if (norm && (figures.norm ?? 0) > LONG * norm.most)
    return `Its norm is ${shown(figures.norm ?? 0)} where the others have ${shown(norm.most)}.`
  if (figures.own!.gain! < round.gain - 2 * noiseOfRound(subject))
    return `The loss on its shard fell by ${shown(figures.own!.gain!)} where the round's median is ${shown(round.gain)}.`
  const kindred = others !== null && others >= KINDRED
  if (kindred && median(close) < UNLIKE * others)
    return `It is less like the others (cosine ${shown(median(close))}) than they are like each other (${shown(others)}).`
  if (!kindred && figures.own!.gain! <= noiseOf(figures.own))
    return 'Its gain is within the noise, and the updates of this round are not alike.'
  return null
}

/** What decided, for the verdict: the names are read by people. */
function named(subject: Case): Record<string, number> {
  const { figures: f, reference } = subject
  return finiteOnly({
    'steps awarded': f.steps,
    'loss on assigned shard before': f.own?.before,
    'loss on assigned shard after': f.own?.after,
    'gain on assigned shard': f.own?.gain,
    'standard error of that gain': f.own?.error,
    'median gain of the round': expected(subject)?.gain,
    'spread of the round': expected(subject)?.spread,
    'norm of the update': f.norm,
    'steps of own run': reference?.steps,
    'gain of own run': reference?.curve.at(-1)?.gain.gain,
    'own run contained in the update': reference?.along,
  })
}
