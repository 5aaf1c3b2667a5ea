import { z } from 'zod'
import { trainingSpec } from '../../training/index.ts'
import { task } from '../task.ts'
import { count, engine, threads } from './fields.ts'

/** What this machine has to compute with. */
export const machineTasks = {
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
