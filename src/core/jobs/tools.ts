import type { Seconds } from '../../shared/units.ts'
import type { Blobs } from '../blobs/index.ts'
import type { Compute } from '../compute/index.ts'
import type { Keyring } from '../identity/index.ts'
import type { Relays } from '../nostr/index.ts'
import type { Wallet } from '../payments/index.ts'
import type { Acquaintances } from './acquaintances.ts'
import type { Journal } from './journal.ts'

/** What both sides of a job work with; made once, at the composition root. */
export interface Tools {
  keyring: Keyring
  journal: Journal
  acquaintances: Acquaintances
  relays: Relays
  blobs: Blobs
  wallet: Wallet
  compute: Compute
  now: () => Seconds
  /** Files of one job or engagement live here; the folder is made by whoever writes first. */
  folder: (id: string) => string
  log: (line: string) => void
}

/** Session events outlive the last lock by this: whoever was away can still read how it ended. */
export const sessionLife = 7 * 24 * 3600
