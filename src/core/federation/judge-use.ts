import type { Case, UseJudgement } from './case.ts'
import {
  ALIKE,
  finiteOnly,
  likeness,
  medianNorm,
  noiseOf,
  repeated,
  replays,
  SIGMAS,
  shown,
} from './expected.ts'
import { judgeWork } from './judge-work.ts'
import { median } from './quorum.ts'

/** Honest norms differ by their shards, hardly ever by this factor; one such update would drown the others. */
const TOO_LONG = 3
/** Median absolute deviations beyond which a holdout loss stands out. */
const OUTLIER = 5

/**
 * "Does it help?": may this update enter the aggregate? A paid one may not; an unpaid one never, for
 * nothing is taken for nothing. What makes a model worse for the others' classes is no reason by itself: providers
 * with odd shards all do, and late in a job everybody does, while their mean still helps (McMahan et al. 2017,
 * section 3). So an update is compared with the others of the round.
 */
export function judgeUse(subject: Case): UseJudgement {
  const reason = objection(subject)
  return {
    used: reason === null,
    reason: reason === null ? 'It is used.' : `It is not used: ${reason}`,
    figures: named(subject),
  }
}

function objection(subject: Case): string | null {
  const { figures } = subject
  if (figures.problem !== null) return `${figures.problem}.`
  if (!figures.finite || !figures.norm) return 'it is zero or not finite.'
  if (figures.own?.after === null) return 'with it the loss is not a number any more.'
  return tooLong(subject) ?? copy(subject) ?? worseThanOthers(subject) ?? unpaid(subject)
}

function tooLong(subject: Case): string | null {
  const norm = subject.figures.norm!
  const { reference, rho } = subject
  const usual = medianNorm(subject)?.most ?? (reference?.norm ? reference.norm / rho : null)
  if (usual === null || norm <= TOO_LONG * usual) return null
  return `its norm, ${shown(norm)}, is far above the usual ${shown(usual)}.`
}

function copy(subject: Case): string | null {
  const { figures, reference } = subject
  const origin = repeated(subject)
  if (origin) return `it is the same as another update of ${origin}.`
  // With an own run, work that is paid was found on this shard, however like another update it is.
  if (!reference) {
    if (replays(subject).some(cosine => cosine >= ALIKE)) return 'it is nearly an update of an earlier round.'
    const twin = likeness(subject).find(peer => peer.earlier && peer.cosine >= ALIKE)
    if (twin) return `it is nearly another update of this round (cosine ${shown(twin.cosine)}).`
  }
  const [own, other] = [figures.own, figures.other]
  if (!own || !other || own.gain === null || other.gain === null) return null
  const noise = SIGMAS * Math.hypot(own.error ?? 0, other.error ?? 0)
  if (own.gain > 0 || other.gain <= 2 * noise) return null
  return `it fits another provider's shard (gain ${shown(other.gain)}) and not its own (${shown(own.gain)}).`
}

/** The private holdout: worse than θ, and far worse than the others' updates or the own run make it. */
function worseThanOthers({ figures, peers, reference }: Case): string | null {
  const { holdout } = figures
  if (!holdout) return null
  if (holdout.after === null) return 'with it the loss on the private holdout is not a number any more.'
  const noise = noiseOf(holdout)
  if (holdout.gain! >= -noise) return null
  const losses = peers.flatMap(p => p.figures.holdout?.after ?? [])
  if (losses.length < 2 && reference?.holdout?.after) losses.push(reference.holdout.after)
  if (losses.length === 0) return null
  const usual = median(losses)
  const spread = Math.max(median(losses.map(x => Math.abs(x - usual))), usual / 5)
  if (holdout.after <= usual + OUTLIER * spread + noise) return null
  return `with it the loss on the private holdout is ${shown(holdout.after)}, with the others ${shown(usual)}.`
}

const unpaid = (subject: Case): string | null =>
  judgeWork(subject).paid === 'none' ? 'no work on its shard was found in it.' : null

function named(subject: Case): Record<string, number> {
  const { figures: f } = subject
  return finiteOnly({
    'norm of the update': f.norm,
    'median norm of the others': medianNorm(subject)?.most,
    'gain on another shard': f.other?.gain,
    'loss on holdout before': f.holdout?.before,
    'loss on holdout after': f.holdout?.after,
    'highest cosine with another update': Math.max(
      ...likeness(subject).map(p => p.cosine),
      ...replays(subject),
    ),
  })
}
