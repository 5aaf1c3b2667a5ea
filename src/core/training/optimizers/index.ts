import type { TrainingSpec } from '../spec.ts'
import { adamw } from './adamw.ts'
import type { Optimizer } from './optimizer.ts'
import { sgd } from './sgd.ts'

export type { Optimizer } from './optimizer.ts'

export function optimizerOf(spec: Pick<TrainingSpec, 'optimizer'>): Optimizer {
  return spec.optimizer.name === 'sgd' ? sgd(spec.optimizer) : adamw(spec.optimizer)
}
