import { z } from 'zod'
import type { Inspection, Prepared } from '../datasets/index.ts'
import { figures, reference } from '../federation/index.ts'
// Types only: the room behind them opens DuckDB, which no host needs.
import type {
  Message,
  ModelConfig,
  ModelReport,
  Prediction,
  TextReport,
  TrainingFacts,
} from '../models/index.ts'
import {
  ENGINES,
  LONGEST_CALL,
  rowsSpec,
  samplingOptions,
  trainingSpec,
  type Validation,
} from '../training/index.ts'
import { task } from './task.ts'

const path = z.string().min(1)
const count = z.int().positive()
const seed = z.int().nonnegative()
/** Threads of the engine; without it, the cores. */
const threads = count.optional()
const engine = z.enum(ENGINES)
/** A change of engine, or of the rows it takes at a time, that a failure forced in mid-run, and why. */
const fallback = z.object({ engine, microBatch: count, step: z.int(), reason: z.string() })
const target = { target: z.string().optional(), task: z.enum(['classification', 'regression']).optional() }
// Made by our own worker from the room's own type: a second, written-out schema would only repeat it.
const made = <T>() => z.custom<T>(value => typeof value === 'object' && value !== null)
/** A table or a text, how a text becomes tokens (`TextOptions`) and images rows (`ImageOptions`). */
const reading = {
  as: z.enum(['table', 'text']).optional(),
  text: z
    .object({
      tokenizer: path.optional(),
      vocabulary: count.optional(),
      block: count.optional(),
      longest: count.optional(),
    })
    .optional(),
  images: z.object({ size: count.optional(), grey: z.boolean().optional() }).optional(),
}
const file = z.object({ sha256: z.string(), size: z.number() })
/** How far a training run is. `loss`: of the newest step. */
const training = z.object({
  step: z.int(),
  steps: z.int(),
  loss: z.number(),
  secondsLeft: z.number(),
  fallback: fallback.optional(),
})

/**
 * What a worker process can do. Files are named by path, scalars travel in the message; every output is plain JSON, so
 * that a job's log can keep it. Cancelling any of them leaves no half-written file: those that write are heard out for the client's
 * grace, unless what a kill leaves behind lies where it is looked for: beside checkpoints, in a folder that is made anew, or in a
 * draft's, which whoever cancelled it removes.
 */
export const tasks = {
  /** What a dataset holds, and why we think so. `sample`: look at the first rows only. */
  inspect: task({
    hears: LONGEST_CALL,
    input: z.object({ path, ...target, ...reading, sample: count.optional() }),
    output: made<Inspection>(),
  }),

  /** Encodes a dataset: shards, the private holdout and encoding.json in the folder `out`. */
  prepare: task({
    hears: LONGEST_CALL,
    input: z.object({
      path,
      ...target,
      ...reading,
      /** encoding.json of a model that is to go on learning: the rows become numbers as its own did. */
      encoding: path.optional(),
      out: path,
      shards: count,
      holdout: z.number().gt(0).lt(1).optional(),
      seed,
      skew: z.object({ classesPerShard: count }).optional(),
    }),
    output: made<Prepared>(),
  }),

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
    progress: training,
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
    progress: training.extend({ validation: made<Validation>().optional(), fallback: fallback.optional() }),
    output: z.object({
      steps: count,
      /** Mean training loss since the look before, and the holdout's, at each look. */
      curve: z.array(
        z.object({ step: count, training: z.number().nullable(), holdout: z.number().nullable() }),
      ),
      seconds: z.number(),
    }),
  }),

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
    progress: training,
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

  /** Measures the finished model on the holdout and writes its folder, all or nothing. */
  export: task({
    input: z.object({
      spec: rowsSpec,
      weights: path,
      /** encoding.json, as `prepare` wrote it. */
      encoding: path,
      holdout: path,
      /** Checked by the room itself. */
      training: made<TrainingFacts>(),
      out: path,
      title: z.string().optional(),
      threads,
    }),
    output: z.object({ report: made<ModelReport>() }),
  }),

  /** As `export`, of a language model: a folder in Hugging Face's layout, or of an adapter in PEFT's. */
  exportText: task({
    input: z.object({
      spec: trainingSpec,
      weights: path,
      /** Of an adapter: the folder of its base. */
      base: path.optional(),
      layout: z.enum(['plain', 'completions', 'chat']).optional(),
      /** tokenizer.json, as `prepare` wrote it. */
      tokenizer: path,
      holdout: path,
      training: made<TrainingFacts>(),
      out: path,
      title: z.string().optional(),
      threads,
    }),
    output: z.object({ report: made<TextReport>() }),
  }),

  /** One model of an adapter and its base, which it needs no more. `base`: where it lies, if not where the adapter says. */
  merge: task({
    input: z.object({ adapter: path, base: path.optional(), out: path }),
    output: z.object({}),
  }),

  /** A language model goes on with a text or answers a conversation; told piece by piece. The newest model stays open. */
  generate: task({
    input: z.object({
      model: path,
      /** Of an adapter: where its base lies, if not where the adapter says. */
      base: path.optional(),
      prompt: z.union([
        z.object({ text: z.string() }),
        z.object({ messages: z.array(made<Message>()).min(1) }),
      ]),
      /** New tokens at most. */
      most: count,
      sampling: samplingOptions,
      seed,
      threads,
    }),
    progress: z.object({ text: z.string() }),
    output: z.object({ text: z.string(), tokens: z.int().nonnegative(), seconds: z.number() }),
  }),

  /** Answers of a model folder for the rows of a file (CSV, TSV, Parquet, JSONL), a picture, a folder of them, or IDX images. */
  predict: task({
    hears: 0,
    input: z.object({ model: path, input: path, threads }),
    output: z.object({
      config: made<ModelConfig>(),
      predictions: z.array(made<Prediction>()),
      /** Of pictures: the name of each, and those that could not be read. */
      pictures: z
        .object({
          names: z.array(z.string()),
          unread: z.array(z.object({ name: z.string(), why: z.string() })),
        })
        .optional(),
    }),
  }),

  /** The engines that may work on this machine. A second: the system is asked for its graphics cards. */
  engines: task({
    hears: 0,
    input: z.object({}),
    output: z.array(z.object({ name: engine, device: z.string(), memory: z.number().nullable() })),
  }),

  /**
   * Whether an engine's numbers are right and, if they are, how fast it trains: `spec`, or an image classifier of the
   * size of MNIST's. A driver that crashes takes the worker with it, and nothing else.
   */
  probe: task({
    hears: 0,
    input: z.object({
      engine,
      spec: trainingSpec.optional(),
      threads,
      gentle: z.boolean().optional(),
      milliseconds: count.optional(),
    }),
    output: z.object({
      test: z.object({
        passed: z.boolean(),
        /** Largest error as a part of what is tolerated; null when it is no number. */
        error: z.number().nullable(),
        worst: z.string(),
      }),
      benchmark: z
        .object({ secondsPerStep: z.number(), rowsPerSecond: z.number(), flopsPerSecond: z.number() })
        .nullable(),
    }),
  }),
}

export type GradstrTasks = typeof tasks
