import { z } from 'zod'

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
  /** Cosine with each update named in the measurement (others of the round, its own of the round before); null: undefined. */
  cosines: z.record(z.string(), z.number().nullable()),
})
export type Figures = z.infer<typeof figures>

/**
 * The customer's own run on the provider's assigned shard: same θ, spec and seed, the first ρ of the awarded steps.
 * It says what that much honest work gives, and on the way what less would have given.
 */
export const reference = z.object({
  /** Steps that it ran: ρ · awarded, rounded up. */
  steps: z.int().positive(),
  /** The gain on the sample of the shard after so many steps, in increasing order; shorter when the run diverged. */
  curve: z.array(z.object({ steps: z.int().positive(), gain })),
  norm: z.number().nonnegative().nullable(),
  holdout: gain.nullable(),
  /** Cosine of the provider's update with this run's; null when there was none to compare, or it is undefined. */
  cosine: z.number().nullable(),
  /** The run's loss rose clearly or stopped being a number: the plan is at fault, not the provider. */
  diverged: z.boolean(),
})
export type Reference = z.infer<typeof reference>
