import type { Case, WorkJudgement } from './case.ts'
import { ALIKE, likeness, noiseOf, replays, shown } from './expected.ts'
import type { Reference } from './figures.ts'

/** A near copy of another update that is less like the own run on its shard than honest work is. */
const OWN = 0.8
/** Where gains say nothing: least likeness to the own run, and least norm beside it. */
const KINDRED = 0.3
/** Less than this part of the steps is no work. */
const LEAST = 0.05

type Verdict = Omit<WorkJudgement, 'figures'>

/**
 * Payment where the customer made its own run on this very shard: the first ρ of the steps, same θ, spec and seed.
 *
 * - Diverged like the run itself: the plan is at fault; the work is paid.
 * - Full pay when the gain reaches what the run had reached after ρ of the steps, up to two standard errors.
 * - Else pay for the part of the steps after which the run had reached this gain (its curve read backwards): that is
 *   what a tenth of the steps is paid, although early steps gain the most.
 * - Where the run's own gain is within the noise, as in late rounds, the gain says nothing either way: then the update
 *   must point where the run points, and be about as long.
 */
export function judgeByReference(subject: Case, reference: Reference): Verdict {
  const { figures } = subject
  const gain = figures.own?.gain ?? null
  const noise = noiseOf(figures.own)
  const rest = { doubt: null, planAtFault: null }
  const none = (reason: string): Verdict => ({ ...rest, paid: 'none', fraction: 0, reason })
  const failed = !figures.finite || gain === null || gain < -noise
  if (failed && reference.diverged) return blameThePlan()
  if (!figures.finite)
    return none('The update holds numbers that are not finite; an own run with its seed stayed finite.')
  if (gain === null) return none('With this update the loss on the assigned shard is not a number any more.')
  if (copied(subject, reference))
    return none('It is another update of the job, not work on the assigned shard.')

  const bar = reference.curve.at(-1)?.gain.gain ?? 0
  const ran = `an own run of ${reference.steps} steps on the same shard by ${shown(bar)}`
  const fell = `The loss on the assigned shard fell by ${shown(gain)}, that of ${ran}`
  if (bar <= noise)
    return kindred(subject, reference) ? full(fell) : none(`${fell}; the update does not point the same way.`)
  if (gain >= bar - noise) return full(fell)
  const fraction = gain > noise ? verifiedSteps(reference, gain) / figures.steps : 0
  if (fraction < LEAST) return none(`${fell}: too little to count as work.`)
  return { ...rest, paid: 'part', fraction, reason: `${fell}: paid for the steps that such a gain takes.` }
}

const full = (fell: string): Verdict => ({
  paid: 'full',
  fraction: 1,
  reason: `${fell}.`,
  doubt: null,
  planAtFault: null,
})

const blameThePlan = (): Verdict => ({
  paid: 'full',
  fraction: 1,
  reason: 'The training diverged, and so did an own run of the same plan: the work is paid.',
  doubt: null,
  planAtFault: 'The training diverges, here as with the provider: the learning rate is probably too high.',
})

/** Honest work on this shard resembles the own run; a copy resembles what it was copied from. */
function copied(subject: Case, { cosine }: Reference): boolean {
  const others = [...likeness(subject).map(peer => peer.cosine), ...replays(subject)]
  return Math.max(...others, -1) >= ALIKE && (cosine ?? 0) < OWN
}

function kindred({ figures }: Case, { cosine, norm }: Reference): boolean {
  return (cosine ?? 0) >= KINDRED && (figures.norm ?? 0) >= KINDRED * (norm ?? 0)
}

/** After how many of its steps the run had reached this gain; between its points, in proportion. */
export function verifiedSteps({ curve }: Reference, gain: number): number {
  let [steps, reached] = [0, 0]
  for (const point of curve) {
    const next = Math.max(reached, point.gain.gain ?? reached)
    if (gain < next) return steps + ((gain - reached) / (next - reached)) * (point.steps - steps)
    ;[steps, reached] = [point.steps, next]
  }
  return steps
}
