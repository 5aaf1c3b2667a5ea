import type { Figures, Reference } from './figures.ts'

/** One update to be judged, beside what is known of the others that started from the same θ in the same round. */
export interface Case {
  /** The key under which the others' `cosines` name this update. */
  id: string
  figures: Figures
  /** The others of the round, as far as measured, in order of arrival; `earlier`: it arrived before this one. */
  peers: readonly { id: string; figures: Figures; earlier: boolean }[]
  /** The award's rule: the part of the expected gain that must be reached for full pay. */
  rho: number
  /** The customer's own run on this provider's shard, where there is one. */
  reference?: Reference | undefined
}

/** Was the work done? */
export interface WorkJudgement {
  paid: 'full' | 'part' | 'none'
  /** Of the price: 1, 0, or between them for `part`. */
  fraction: number
  /** One or two sentences for the provider. */
  reason: string
  /** Every figure that decided, by plain names, for the verdict. */
  figures: Record<string, number>
  /**
   * Why a reference run on this provider's shard could change the payment, or null; the other fields hold what follows
   * without one. With a reference in the case it is always null.
   */
  doubt: string | null
  /** The customer's own run diverged as well: the work is paid and the job should pause. Holds the reason, or null. */
  planAtFault: string | null
}

/** Does it help? */
export interface UseJudgement {
  /** May it enter the aggregate? Independent of payment. */
  used: boolean
  reason: string
  figures: Record<string, number>
}
