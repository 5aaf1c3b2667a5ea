import type { Case } from './case.ts'
import { type Figures, type Gain, OTHER_ROUNDS } from './figures.ts'
import { median } from './quorum.ts'

/** Possible between honest providers of an easy problem, likely a copy in a hard one: the own run tells. */
export const ALIKE = 0.98
/** Differences below two standard errors are not told from chance. */
export const SIGMAS = 2
/** Fewer than three measured updates have no honest median: one of two may lie. */
const QUORUM = 3
/** The median absolute deviation of normal noise, times this, is its standard deviation. */
const MAD_TO_SIGMA = 1.4826

export interface Expected {
  /** Median gain of the round on the shards that were assigned, for this update's steps; −∞ when most diverged. */
  gain: number
  /** Standard deviation from provider to provider, of data and of stochastic training alike. */
  spread: number
}

/**
 * What the round gained, this update included, or null with fewer than three. A loss falls ever more slowly, so
 * whoever was given fewer steps than a peer is expected to reach at least that part of the peer's gain; whoever was
 * given more, no more than it.
 */
export function expected({ figures, peers }: Case): Expected | null {
  const round = [figures, ...peers.map(p => p.figures)].filter(f => f.problem === null)
  if (round.length < QUORUM) return null
  const gains = round.map(f => {
    const gain = f.own?.gain ?? Number.NEGATIVE_INFINITY
    return gain > 0 ? gain * Math.min(1, figures.steps / f.steps) : gain
  })
  const gain = median(gains)
  if (!Number.isFinite(gain)) return { gain: Number.NEGATIVE_INFINITY, spread: 0 }
  return { gain, spread: MAD_TO_SIGMA * median(gains.map(g => Math.abs(g - gain))) }
}

/**
 * Median norm of the others' updates, as far as one can say what theirs would be after this one's steps: a norm grows
 * at least not at all and at most in proportion to the steps, so `most` scales up and `least` scales down.
 * Null when no other has a finite norm.
 */
export function medianNorm({ figures, peers }: Case): { least: number; most: number } | null {
  const others = peers.flatMap(({ figures: f }) =>
    f.norm ? [{ norm: f.norm, ratio: figures.steps / f.steps }] : [],
  )
  if (others.length === 0) return null
  return {
    least: median(others.map(o => o.norm * Math.min(1, o.ratio))),
    most: median(others.map(o => o.norm * Math.max(1, o.ratio))),
  }
}

/** Two standard errors of a gain; 0 where it could not be measured. */
export const noiseOf = (gain: Gain | null): number => SIGMAS * (gain?.error ?? 0)

/** Cosines with the others of the round, in whichever of the two measurements they are. */
export function likeness({ id, figures, peers }: Case): { id: string; cosine: number; earlier: boolean }[] {
  return peers.flatMap(peer => {
    const cosine = cosineOf({ id, figures }, peer)
    return cosine === null ? [] : [{ id: peer.id, cosine, earlier: peer.earlier }]
  })
}

/** Median cosine between the others themselves; null with fewer than two. */
export function likenessOfOthers({ peers }: Case): number | null {
  const pairs = peers.flatMap((a, i) => peers.slice(i + 1).map(b => cosineOf(a, b)))
  const known = pairs.filter(cosine => cosine !== null)
  return known.length > 0 ? median(known) : null
}

type Named = { id: string; figures: Figures }
const cosineOf = (a: Named, b: Named): number | null =>
  a.figures.cosines[b.id] ?? b.figures.cosines[a.id] ?? null

/** Cosine with the update of another round that is most like it. */
export function replays({ figures }: Case): number[] {
  const cosine = figures.cosines[OTHER_ROUNDS] ?? null
  return cosine === null ? [] : [cosine]
}

/** Whether it is the very update of somebody who came earlier in the round, or of an earlier round. */
export function repeated(subject: Case): 'this round' | 'an earlier round' | null {
  if (replays(subject).includes(1)) return 'an earlier round'
  return likeness(subject).some(peer => peer.earlier && peer.cosine === 1) ? 'this round' : null
}

/** Three significant digits, for reasons. */
export const shown = (x: number): string => String(Number(x.toPrecision(3)))

/** A verdict carries finite numbers only. */
export const finiteOnly = (all: Record<string, number | null | undefined>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(all).flatMap(([name, x]) =>
      typeof x === 'number' && Number.isFinite(x) ? [[name, x]] : [],
    ),
  )
