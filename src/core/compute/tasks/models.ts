import { z } from 'zod'
import type {
  Message,
  ModelConfig,
  ModelReport,
  Prediction,
  TextReport,
  TrainingFacts,
} from '../../models/index.ts'
import { rowsSpec, samplingOptions, trainingSpec } from '../../training/index.ts'
import { task } from '../task.ts'
import { count, made, path, seed, threads } from './fields.ts'

/** Folders of finished models: written, merged, asked. */
export const modelTasks = {
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
}
