import { z } from 'zod'

const fraction = z.number().min(0).lt(1)

const shared = {
  /** η, of the whole run or at the peak of the schedule. */
  learningRate: z.number().positive().max(1000),
  weightDecay: z.number().min(0).max(100),
  /** Which parameters decay: all when left out, or those with two axes or more (nanoGPT's groups). */
  decayed: z.enum(['all', 'matrices']).optional(),
  /** Longest gradient, over all parameters together; longer ones are scaled down (Pascanu et al. 2013). */
  clip: z.number().positive().max(1e6).optional(),
  /**
   * Linear warm-up over `warmup` steps, then a cosine down to `least` · η at step `steps`, where it stays
   * (Loshchilov and Hutter 2017, arXiv 1608.03983, without restarts). Steps count from the job's beginning.
   */
  schedule: z
    .object({
      warmup: z.int().min(0).max(1e9),
      steps: z.int().min(1).max(1e9),
      least: z.number().min(0).max(1),
    })
    .refine(({ warmup, steps }) => warmup < steps, { message: 'the warm-up must end before the schedule' })
    .optional(),
}

const sgdConfig = z.object({
  name: z.literal('sgd'),
  ...shared,
  momentum: fraction,
  /** Nesterov's momentum (Sutskever et al. 2013). */
  nesterov: z.boolean().optional(),
})

const adamwConfig = z.object({
  name: z.literal('adamw'),
  ...shared,
  beta1: fraction,
  beta2: fraction,
  epsilon: z.number().positive().max(1),
})

export const optimizerConfig = z.discriminatedUnion('name', [sgdConfig, adamwConfig])
export type OptimizerConfig = z.infer<typeof optimizerConfig>
export type SgdConfig = z.infer<typeof sgdConfig>
export type AdamWConfig = z.infer<typeof adamwConfig>
