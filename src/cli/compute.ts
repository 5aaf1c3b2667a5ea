import { type Compute, openCompute } from '../core/compute/index.ts'
import type { Call } from './cli.ts'

const entry = new URL('../worker/index.ts', import.meta.url)

export const computeFor = ({ log }: Pick<Call, 'log'>, options: { idle?: number } = {}): Compute =>
  openCompute({ entry, log: log.line, ...options })

/**
 * For commands that compute and need nothing else: the workers are gone when it ends.
 * @param options.idle  milliseconds for which a worker without work is kept, with what it has open
 */
export async function withCompute<T>(
  call: Pick<Call, 'log'>,
  work: (compute: Compute) => Promise<T>,
  options: { idle?: number } = {},
): Promise<T> {
  const compute = computeFor(call, options)
  try {
    return await work(compute)
  } finally {
    await compute.close()
  }
}
