import type { Database } from '../store/index.ts'
import type { Engine } from './engine.ts'
import type { Ledger } from './ledger.ts'
import type { Locks } from './locks.ts'
import type { Mints } from './mints.ts'
import type { Operations } from './operations.ts'
import type { Proofs } from './proofs.ts'
import type { Limits } from './types.ts'

export type Log = (message: string, detail?: Record<string, unknown>) => void

/** What the wallet's parts share: its tables, its mints, its clock. */
export type Context = {
  db: Database
  limits: Limits
  /** Unix seconds. */
  now: () => number
  log: Log
  /** Told after every step that a crash may follow; tests kill the process there. */
  step: (name: string) => void
  mints: Mints
  ledger: Ledger
  proofs: Proofs
  locks: Locks
  operations: Operations
  engine: Engine
}

export const sum = (items: { amount: number }[]): number =>
  items.reduce((total, { amount }) => total + amount, 0)
