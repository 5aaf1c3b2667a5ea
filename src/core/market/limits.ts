import { z } from 'zod'
import { count } from './fields.ts'

export const MAX_ROUNDS = 256
export const MAX_PROVIDERS = 256

/** Rounds are counted from 1. */
export const ROUND = count(MAX_ROUNDS)
/** Fencing: a coordinator restored elsewhere goes one up; the highest is obeyed. A job starts at 1. */
export const EPOCH = count(1_000_000, 0)
export const MAX_STEPS = 1_000_000_000
/** Local optimizer steps in one round. */
export const STEPS = count(MAX_STEPS)

/** The event this one answers: the chain a dispute is read along. */
export const parent = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .optional()
