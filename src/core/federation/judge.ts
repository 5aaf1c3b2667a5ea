import type { Figures, Reference } from './figures.ts'

/** The award's rule, in numbers: the part of the expected gain that must be reached for full pay. */
export interface PaymentRule {
  rho: number
}

/** One update to be judged, beside what is known of the others that started from the same θ in the same round. */
export interface Case {
  /** The key under which the others' `cosines` name this update. */
  id: string
  figures: Figures
  /** The others of the round, measured so far, in order of arrival. */
  peers: { id: string; figures: Figures; /** arrived before this one */ earlier: boolean }[]
  rule: PaymentRule
  /** The customer's own run on this provider's shard, where there is one. */
  reference?: Reference
}

export interface Judgement {
  paid: 'full' | 'part' | 'none'
  /** Of the price: 1, 0, or between them for `part`. */
  fraction: number
  /** May it enter the aggregate? Independent of `paid`. */
  used: boolean
  /** Both answers, in one or two sentences for the provider. */
  reason: string
  /** Every figure that decided, by plain names, for the verdict. */
  figures: Record<string, number>
  /**
   * Not null: a reference run on this provider's shard could change the payment, because … ; the other fields then
   * hold what follows without it. With a reference in the case it is always null.
   */
  doubt: string | null
  /** The customer's own run diverged as well: pay, and pause the job; holds the reason ("learning rate too high"). */
  planAtFault: string | null
}
