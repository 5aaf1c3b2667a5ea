import { totalmem } from 'node:os'
import { UserError } from '../../shared/errors.ts'
import { elements, microBatchFor, modelOf, type Precision, type TrainingSpec } from '../training/index.ts'
import type { LocalOrder } from './order.ts'

const BYTES: Record<Precision, number> = { f32: 4, f16: 2, i8: 1 }

/** Bytes that a training needs at the very least: its weights, their gradients and what the optimizer keeps beside them. */
function leastOf(spec: TrainingSpec): number {
  const { parameters, frozen } = modelOf(spec)
  const count = (all: typeof parameters) => all.reduce((sum, { shape }) => sum + elements(shape), 0)
  const precision = spec.task === 'language' ? (spec.adapter?.base ?? 'f32') : 'f32'
  const copies = spec.optimizer.name === 'adamw' ? 4 : 3
  return 4 * copies * count(parameters) + BYTES[precision] * count(frozen)
}

/**
 * Refuses what can never fit, before it is tried.
 * @param memory  bytes of this machine, or of the part of it that this process may use
 * @throws UserError `local/memory`
 */
export function checkMemory(spec: TrainingSpec, memory = machineMemory()): void {
  const least = leastOf(spec)
  if (least <= memory) return
  const gigabytes = (bytes: number) => `${(bytes / 2 ** 30).toFixed(2)} GiB`
  throw new UserError('local/memory', {
    message: `This training needs more than ${gigabytes(least)} of memory for its weights alone; this machine has ${gigabytes(memory)}.`,
    fix:
      modelOf(spec).frozen.length > 0
        ? 'Keep the base in fewer bits (--frozen i8), or begin with a smaller one.'
        : 'Train adapters with --lora, or choose a smaller model.',
  })
}

/**
 * Rows that go through the model at a time, as many as there is room for.
 * @throws UserError `local/memory` when there is none for one
 */
export function microBatchIn({ room, engine }: LocalOrder, spec: TrainingSpec, rows: number): number {
  const microBatch = room ? microBatchFor(spec, rows, room, engine) : spec.batch
  if (microBatch !== undefined) return microBatch
  throw new UserError('local/memory', {
    message: 'There is not enough free memory to train this model, not even on one row at a time.',
    fix: 'Close other programs, or choose a smaller model.',
  })
}

/** A container may have less than the machine. */
function machineMemory(): number {
  const limit = process.constrainedMemory()
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}
