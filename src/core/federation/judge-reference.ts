import type { Case, WorkJudgement } from './case.ts'
import { ALIKE, likeness, likenessOfOthers, noiseOf, repeated, replays, shown } from './expected.ts'
import type { Reference } from './figures.ts'

/** An honest update contains at least this part of what the run itself would keep of its own way. */
const CONTAINED = 0.7
/** A movement that goes on in the same direction is 1/ρ times as long at the end; more than this beyond is inflated. */
const INFLATED = 1.5
/** Where other providers' updates contain so much of the run, all work is alike, and its way proves nothing. */
const EASY = 0.9
/** Between what the others' updates contain of the run and all of it, an honest update lies above this. */
const SPECIFIC = 0.5
/** Less than this part of the steps is no work. */
const LEAST = 0.05
/** Below this cosine with the run, an update may share its way by chance. */
const CHANCE = 0.1

type Verdict = Omit<WorkJudgement, 'figures'>
interface Evidence extends Case {
  reference: Reference
}

/**
 * Payment where the customer made its own run on this very shard: the first ρ of the steps, same θ, spec and seed. Who
 * did the work went the same way and further. That shows where gains are all noise, and it cannot be had without the
 * work: not by noise, a copy, an old update, or a few steps made longer.
 *
 * - Diverged like the run itself: the plan is at fault; the work is paid.
 * - Broken (the loss is more than twice the worst that the run saw) or inflated: not paid.
 * - Full pay when the update contains the run's way, and its gain is not below what the run had reached.
 * - Else pay for the steps after which the run itself had come so far, which is what a tenth of the steps is paid;
 *   never more than ρ, which is all that the run can tell of; nothing below a twentieth, and nothing for a near copy that is not on this run's way.
 */
export function judgeByReference(subject: Case, reference: Reference): Verdict {
  const evidence: Evidence = { ...subject, reference }
  return unsound(evidence) ?? measured(evidence)
}

function unsound(evidence: Evidence): Verdict | null {
  const { figures, reference, rho } = evidence
  const after = figures.own?.after ?? null
  const limit = worst(evidence)
  if (repeated(evidence) === 'an earlier round')
    return none('It is the same as an update of an earlier round.')
  const broken = !figures.finite || after === null || after > limit
  if (broken && reference.diverged) return blameThePlan()
  if (!figures.finite)
    return none('The update holds numbers that are not finite; an own run with its seed stayed finite.')
  if (after === null) return none('With this update the loss on the assigned shard is not a number any more.')
  if (broken)
    return none(
      `With this update the loss on the assigned shard is ${shown(after)}; an own run stayed below ${shown(limit)}.`,
    )
  if ((reference.along ?? 0) > INFLATED / rho) return none(`${comparison(evidence)}: it is inflated.`)
  return null
}

function measured(evidence: Evidence): Verdict {
  const { figures, reference, rho } = evidence
  const along = reference.along ?? 0
  const compared = comparison(evidence)
  if (copied(evidence)) return none(`${compared}: it is another update of the job, not work on this shard.`)
  const gained = figures.own!.gain! >= due(evidence)
  const contained = along >= CONTAINED * Math.min(1, reference.keeps ?? 1)
  if (gained && contained && isSpecific(reference))
    return { ...plain, paid: 'full', fraction: 1, reason: `${compared}: the work was done.` }
  const way = stepsAt(
    reference.curve.map(point => [point.steps, point.along]),
    along,
  )
  const gain = stepsAt(
    reference.curve.map(point => [point.steps, point.gain.gain]),
    figures.own!.gain!,
  )
  const fraction = Math.min(rho, (gained ? way : Math.min(way, gain)) / figures.steps)
  const cosine = (along * (reference.norm ?? 0)) / (figures.norm ?? 1)
  if (fraction < LEAST || cosine < CHANCE) return none(`${compared}: it is not work on this shard.`)
  return { ...plain, paid: 'part', fraction, reason: `${compared}: paid for the steps that lead so far.` }
}

/**
 * Nearly another update, and not proven by the run to be this shard's work. Where everybody's work is alike the run
 * proves nothing; then a copy is what came later, and is like one other far more than the others are like each other.
 */
function copied(evidence: Evidence): boolean {
  const { reference } = evidence
  const twins = likeness(evidence).filter(peer => peer.cosine >= ALIKE)
  if (twins.length === 0 && !replays(evidence).some(cosine => cosine >= ALIKE)) return false
  if (!isSpecific(reference)) return true
  const others = likenessOfOthers(evidence)
  return isEasy(reference) && twins.some(peer => peer.earlier) && others !== null && others < ALIKE
}

const plain = { doubt: null, planAtFault: null }
const none = (reason: string): Verdict => ({ ...plain, paid: 'none', fraction: 0, reason })

const blameThePlan = (): Verdict => ({
  paid: 'full',
  fraction: 1,
  reason: 'The training diverged, and so did an own run of the same plan: the work is paid.',
  doubt: null,
  planAtFault: 'The training diverges, here as with the provider: the learning rate is probably too high.',
})

const comparison = ({ reference, figures }: Evidence): string =>
  `An own run of ${reference.steps} of the ${figures.steps} steps on the same shard is contained in the update ${shown(reference.along ?? 0)} times`

/** Twice the largest loss that the run met on the sample, θ's own included. */
function worst({ figures, reference }: Evidence): number {
  const losses = reference.curve.flatMap(point => point.gain.after ?? [])
  return 2 * Math.max(figures.own?.before ?? 0, ...losses) + noiseOf(figures.own)
}

/** The least gain of the run's second half, less its range (the noise of training) and two standard errors. */
function due({ figures, reference }: Evidence): number {
  const { curve } = reference
  const late = curve.slice(curve.length >> 1).flatMap(point => point.gain.gain ?? [])
  const [least, most] = [Math.min(...late), Math.max(...late)]
  return least - (most - least) - noiseOf(figures.own)
}

const isEasy = ({ others }: Reference): boolean => others !== null && others >= EASY

/** More like this run than what others did on their rows, as far as one can tell. */
const isSpecific = ({ along, others }: Reference): boolean =>
  others === null || others >= EASY || (along ?? 0) - others >= SPECIFIC * (1 - others)

/** After how many of its steps the run had first come so far; between its points, in proportion. */
export function stepsAt(
  curve: readonly (readonly [steps: number, value: number | null])[],
  value: number,
): number {
  let [steps, reached] = [0, 0]
  for (const [at, found] of curve) {
    const next = Math.max(reached, found ?? reached)
    if (value < next) return steps + ((value - reached) / (next - reached)) * (at - steps)
    ;[steps, reached] = [at, next]
  }
  return steps
}
