import { z } from 'zod'
import { LONGEST_CALL, trainingSpec, type Validation } from '../../training/index.ts'
import { task } from '../task.ts'
import { count, engine, fallback, file, made, path, seed, threads, trainingProgress } from './fields.ts'

/** Weights made and trained: a provider's round, and a run on this machine alone. */
export const trainingTasks = {
  /** θ₀: writes the spec's initial weights (safetensors, f32) to `out`: new ones, or those of a `base`. */
  initialWeights: task({
    hears: 0,
    input: z.object({ spec: trainingSpec, seed, base: path.optional(), out: path }),
    output: file.extend({ parameters: count }),
  }),

  /**
   * The provider's round: trains `steps` steps from `weights` on `data`, writes the update θ' − θ to `update`.
   * With `checkpoints`, the same call after a crash or a cancel goes on from the newest one.
   */
  train: task({
    hears: LONGEST_CALL,
    input: z.object({
      spec: trainingSpec,
      weights: path,
      data: path,
      steps: count,
      seed,
      /** Steps of the job before these, which its schedule counts. */
      first: z.int().nonnegative().optional(),
      update: path,
      dtype: z.enum(['f16', 'f32']).default('f16'),
      checkpoints: z.object({ folder: path, every: count }).optional(),
      threads,
      /** Leaves the machine usable for whoever sits at it: half the threads, which sleep while they wait. */
      gentle: z.boolean().default(false),
      /** The CPU when left out. */
      engine: engine.optional(),
      /** Rows that go through the model at a time; the batch when left out. */
      microBatch: count.optional(),
    }),
    progress: trainingProgress,
    output: z.object({
      steps: z.int().nonnegative(),
      /** At most 512, evenly spaced. */
      losses: z.array(z.number()),
      /** SHA-256 of each checkpoint, in order. */
      checkpoints: z.array(z.string()),
      seconds: z.number(),
      /** `norm` is null when it is not finite. */
      update: file.extend({ norm: z.number().nullable() }),
      /**
       * Why the training diverged, or null. The update then holds no numbers, `losses` and `checkpoints` are empty:
       * delivered, it lets the customer find whether its plan is at fault.
       */
      diverged: z.string().nullable(),
      fallbacks: z.array(fallback),
    }),
  }),

  /**
   * Trains on this machine and looks at the holdout on the way; writes the weights to `out`. The same call after a crash or
   * a cancel goes on from the newest checkpoint in `folder`.
   */
  fit: task({
    hears: LONGEST_CALL,
    input: z.object({
      spec: trainingSpec,
      weights: path,
      /** Of an adapter: the folder of its base. */
      base: path.optional(),
      data: path,
      validation: path,
      steps: count,
      every: count,
      seed,
      folder: path,
      out: path,
      engine: engine.optional(),
      microBatch: count.optional(),
      threads,
      gentle: z.boolean().optional(),
    }),
    progress: trainingProgress.extend({
      validation: made<Validation>().optional(),
      fallback: fallback.optional(),
    }),
    output: z.object({
      steps: count,
      /** Mean training loss since the look before, and the holdout's, at each look. */
      curve: z.array(
        z.object({ step: count, training: z.number().nullable(), holdout: z.number().nullable() }),
      ),
      seconds: z.number(),
    }),
  }),
}
