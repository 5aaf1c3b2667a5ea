import { z } from 'zod'

/** Null when it is not a number: a model that diverged, a holdout that does not vary. */
const measured = z.number().nullable()

const amount = z.int().nonnegative()
/** Face values of the whole job: `locked` = `paid` + `refunded` + `open`. */
const sums = z.object({
  quoted: amount.optional(),
  locked: amount,
  paid: amount,
  refunded: amount,
  fees: amount,
  /** Locked, and neither paid nor back yet. */
  open: amount.optional(),
})

/** A round, with the loss of its new weights on the holdout (null when it was not a number), and what else is known. */
const roundFacts = z.looseObject({ round: z.int(), loss: z.number().nullish() })

/** What the job knows of how the model came to be. */
const jobFacts = z.object({
  rounds: z.array(roundFacts),
  /** How many took part. */
  providers: z.int().nonnegative(),
  sats: sums,
  /** Rows the providers trained on, all shards together. */
  rows: z.int().nonnegative().optional(),
  /** From the first award to the last update. */
  seconds: z.number().nonnegative().optional(),
  /** Paid in the play money of the practice network. */
  practice: z.boolean().optional(),
})

/** How a model was trained on the customer's own machine. */
export const localFacts = z.object({
  local: z.object({
    steps: z.int().positive(),
    /** Rows per step. */
    batch: z.int().positive(),
    /** At each look: mean training loss since the one before, and the loss on (a sample of) the holdout. */
    curve: z.array(z.object({ step: z.int(), training: measured, holdout: measured })),
  }),
  rows: z.int().nonnegative().optional(),
  seconds: z.number().nonnegative().optional(),
})
export type LocalFacts = z.infer<typeof localFacts>
export const trainingFacts = z.union([jobFacts, localFacts])
export type TrainingFacts = z.infer<typeof trainingFacts>

/** Rows kept on the customer's machine and never trained on: all figures are on these. */
const holdout = z.object({ rows: z.int().positive() })

const classificationQuality = z.object({
  task: z.literal('classification'),
  holdout,
  /** `macroF1`: mean of the classes' F1. `logLoss`: mean of −ln(probability given to the true class). */
  metrics: z.object({ accuracy: z.number(), macroF1: z.number(), logLoss: measured }),
  /** Always answering the holdout's most frequent class. */
  baseline: z.object({ answer: z.string(), accuracy: z.number() }),
  /** `counts[truth][answer]`, in the order of `classes`. */
  confusion: z.object({ classes: z.array(z.string()), counts: z.array(z.array(z.int())) }),
})

const regressionQuality = z.object({
  task: z.literal('regression'),
  holdout,
  /** `mae` and `rmse` in the target's own unit. */
  metrics: z.object({ r2: measured, mae: measured, rmse: measured }),
  /** Always answering the mean of the training rows. */
  baseline: z.object({ answer: z.number(), mae: measured, rmse: measured }),
  /** The error (answer − truth, in the target's unit) below which so many percent of the errors lie. */
  errors: z.object({ p5: measured, p25: measured, p50: measured, p75: measured, p95: measured }),
})

export type ClassificationQuality = z.infer<typeof classificationQuality>
export type RegressionQuality = z.infer<typeof regressionQuality>
export type Quality = ClassificationQuality | RegressionQuality

/** `title`: the job's. `target`: the column that the model predicts. */
const origin = z.object({ title: z.string().optional(), target: z.string() })
const quality = z.discriminatedUnion('task', [classificationQuality, regressionQuality])

/** `report.json`. */
export const modelReport = quality.and(origin).and(trainingFacts)
export type ModelReport = z.infer<typeof modelReport>
export type ClassificationReport = Extract<ModelReport, { task: 'classification' }>
export type RegressionReport = Extract<ModelReport, { task: 'regression' }>
