import { z } from 'zod'
import { sketch } from './sketch.ts'

// Everything here is JSON: a job's log keeps it, and JSON has no NaN or Infinity. `null` stands for "not finite".

/**
 * Mean loss over the same seeded rows at θ and at θ + u. `gain = before − after`: positive is better, in the loss's
 * unit (nats for classification, squared units of the scaled target for regression). `error` is the standard error
 * of the gain over those rows (paired: both losses are of the same rows), so |gain| < 2·error says nothing.
 */
export const gain = z.object({
  before: z.number().nullable(),
  after: z.number().nullable(),
  gain: z.number().nullable(),
  error: z.number().nonnegative().nullable(),
  rows: z.int().positive(),
})
export type Gain = z.infer<typeof gain>

/** Among the cosines: the highest with any update of another round, by sketches. */
export const OTHER_ROUNDS = 'other-rounds'

/** What the customer measured of one update, with its own data, in its own worker. */
export const figures = z.object({
  /** Steps that were awarded. Gains of works of differing length are compared per step, never to the short one's loss. */
  steps: z.int().positive(),
  /** Why the file is no update of this model (unreadable, missing or strange tensors, wrong shapes), or null. */
  problem: z.string().nullable(),
  finite: z.boolean(),
  /** Euclidean norm over all tensors; null when not finite. */
  norm: z.number().nonnegative().nullable(),
  /** On the provider's own assigned shard, on another provider's shard, on the private holdout. */
  own: gain.nullable(),
  other: gain.nullable(),
  holdout: gain.nullable(),
  /**
   * Cosine with each update named in the measurement, the others of the round; and the highest with those of other rounds
   * (`OTHER_ROUNDS`). 1 only for the very same update, up to the rounding of half precision: one that was made longer has less.
   * Null: undefined.
   */
  cosines: z.record(z.string(), z.number().nullable()),
  /** What updates of other rounds are compared with when the files are gone; null for none that is finite and not zero. */
  sketch: sketch.nullable(),
})
export type Figures = z.infer<typeof figures>

/**
 * The customer's own run on the provider's assigned shard: same θ, spec and seed, the first ρ of the awarded steps. An
 * honest provider went the same way and further, so its update contains the run's movement; `along` says how much of
 * the whole run's movement is contained in an update: ⟨u, run⟩ / ⟨run, run⟩.
 */
export const reference = z.object({
  /** Steps that it ran: ρ · awarded, rounded up. */
  steps: z.int().positive(),
  /**
   * On the way, after so many steps, in increasing order: the gain on the sample of the shard, and how much of the
   * movement was done. The last is the whole run. Shorter when the run diverged.
   */
  curve: z.array(z.object({ steps: z.int().positive(), gain, along: z.number().nullable() })),
  norm: z.number().nonnegative().nullable(),
  holdout: gain.nullable(),
  /** Of the provider's update; null when it is not finite. */
  along: z.number().nullable(),
  /** Median of the other providers' updates: what work on other rows contains of it; null without others. */
  others: z.number().nullable(),
  /** How much of its own first half the whole run still contains: stochastic training forgets; null for one point. */
  keeps: z.number().nullable(),
  /** The run's loss more than doubled or stopped being a number: the plan is at fault, not the provider. */
  diverged: z.boolean(),
})
export type Reference = z.infer<typeof reference>
