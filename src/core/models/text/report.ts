import { z } from 'zod'
import { trainingFacts } from '../report.ts'

const nats = z.number().nullable()

/** `report.json` of a language model. */
export const textReport = z
  .object({
    task: z.literal('language'),
    title: z.string().optional(),
    /** Text that it was not trained on; `tokens` of it counted. */
    holdout: z.object({ blocks: z.int().positive(), tokens: z.int().nonnegative() }),
    /** Mean cross-entropy of the next token in nats, and e to it: among how many equal tokens it would be as unsure. */
    metrics: z.object({ loss: nats, perplexity: nats }),
    /** The best that a guess can do which knows how frequent each token is in that text, and nothing else. */
    baseline: z.object({ loss: nats }),
  })
  .and(trainingFacts)
export type TextReport = z.infer<typeof textReport>
