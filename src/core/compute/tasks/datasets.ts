import { z } from 'zod'
// Types only: the room behind them opens DuckDB, which no host needs.
import type { Inspection, Prepared } from '../../datasets/index.ts'
import { LONGEST_CALL } from '../../training/index.ts'
import { task } from '../task.ts'
import { count, made, path, seed } from './fields.ts'

const target = { target: z.string().optional(), task: z.enum(['classification', 'regression']).optional() }
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

/** A dataset, read and encoded. */
export const datasetTasks = {
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
}
