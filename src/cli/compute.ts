import { type Compute, openCompute } from '../core/compute/index.ts'
import type { Call } from './cli.ts'

const entry = new URL('../worker/index.ts', import.meta.url)

export const computeFor = ({ log }: Pick<Call, 'log'>): Compute => openCompute({ entry, log: log.line })

/** For commands that compute and need nothing else: the workers are gone when it ends. */
export async function withCompute<T>(
  call: Pick<Call, 'log'>,
  work: (compute: Compute) => Promise<T>,
): Promise<T> {
  const compute = computeFor(call)
  try {
    return await work(compute)
  } finally {
    await compute.close()
  }
}
