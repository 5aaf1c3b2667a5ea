import { z } from 'zod'
import { figures, reference } from '../../federation/index.ts'
import { LONGEST_CALL, trainingSpec } from '../../training/index.ts'
import { task } from '../task.ts'
import { count, file, path, seed, threads, trainingProgress } from './fields.ts'

/** What a customer does with a round's updates. */
export const judgingTasks = {
  /** The customer's figures for one update, by its own data: at most `rows` seeded rows of each file. */
  measure: task({
    hears: 0,
    input: z.object({
      spec: trainingSpec,
      weights: path,
      update: path,
      /** The shard that was assigned to this provider; one of another; the private holdout. */
      shard: path,
      other: path.optional(),
      holdout: path,
      /** Updates to take the cosine with: the others of the round. */
      peers: z.array(z.object({ id: z.string(), path })).default([]),
      /** Steps awarded. */
      steps: count,
      /** Of the sample; the same for all updates of a round. */
      seed,
      /** Of the sketch; the same for all updates of a job. */
      sketchSeed: seed,
      rows: count.default(2048),
      threads,
    }),
    output: figures,
  }),

  /** The customer's own run on one provider's shard: the first ρ of its steps, with its seed. */
  reference: task({
    hears: LONGEST_CALL,
    input: z.object({
      spec: trainingSpec,
      weights: path,
      shard: path,
      holdout: path.optional(),
      /** Steps awarded, the round's seed for this provider, and the award's rule. */
      steps: count,
      seed,
      first: z.int().nonnegative().optional(),
      rho: z.number().positive().max(1),
      /** The provider's update, to compare with; it must have passed `measure` without a `problem`. */
      update: path,
      /** The other updates of the round: what work on other rows contains of the run. */
      others: z.array(path),
      /** For its own files; removed when it is done. */
      folder: path,
      /** The sample, as in `measure`. */
      sample: seed,
      rows: count.default(2048),
      threads,
    }),
    progress: trainingProgress,
    output: reference,
  }),

  /** How good weights are on the private holdout. `loss`: mean cross-entropy in nats, or the scaled target's rmse. */
  evaluate: task({
    hears: 0,
    input: z.object({ spec: trainingSpec, weights: path, data: path, threads }),
    output: z.object({
      metric: z.enum(['accuracy', 'r2', 'perplexity']),
      value: z.number(),
      loss: z.number(),
    }),
  }),

  /** θ of the next round. The strategy's name is the paper's. */
  aggregate: task({
    input: z.object({
      spec: trainingSpec,
      weights: path,
      strategy: z.enum(['fedavg']).default('fedavg'),
      /** `weight`: the samples that were assigned. */
      updates: z.array(z.object({ path, weight: z.number().positive() })).min(1),
      out: path,
    }),
    output: file.extend({ /** Of the step θ' − θ. */ norm: z.number() }),
  }),
}
