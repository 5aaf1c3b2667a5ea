import type { Sats } from '../../shared/units.ts'

/** Spending limits, checked in one place (limits.ts) below every caller. A limit that is not given is not checked. */
export type Limits = {
  /** Most that one lock may take, fees included. */
  perRound?: Sats
  /** Most that one job may have spent, locked and paid in fees, together with the cap the caller gives. */
  perJob?: Sats
  /** Most that may leave in 24 hours: locks, withdrawals and fees, less what came back. */
  perDay?: Sats
}

/** A signature (BIP-340, hex) over a locked proof's secret, NUT-11 SIG_INPUTS. */
export type Witness = { secret: string; signature: string }

/** NUT-11: 2 of {provider, customer} before `locktime` (unix seconds), the refund key alone after it. Keys: 33 bytes hex. */
export type LockTerms = { provider: string; customer: string; refund: string; locktime: number }

export type LockRequest = LockTerms & {
  /** The caller's id; calling again with it never locks twice. */
  id: string
  mint: string
  /** What the provider is to hold after redeeming everything: the price. */
  amount: Sats
  /** Which job's cap this counts against. */
  job: string
  /** Most this job may have spent, locked and paid in fees. */
  cap: Sats
}

/**
 * Face values, so that what was locked equals what was paid and what came back:
 * @property amount  face value of the locked proofs: the price and the fee the provider pays to redeem them
 * @property fee  what the mint took for making the lock
 */
export type Locked = { token: string; amount: Sats; fee: Sats }

/** @property amount  face value released;  @property net  what the provider holds after redeeming it */
export type Released = { witnesses: Witness[]; amount: Sats; net: Sats }

/** @property refunded  face value that came back, before `fee` */
export type Refunded = { refunded: Sats; fee: Sats }

/** @property redeemed  what arrived in the balance, after `fee` */
export type Redeemed = { redeemed: Sats; fee: Sats }

export type LockState = {
  role: 'customer' | 'provider'
  /**
   * customer: pending (swap under way), failed (the mint refused; nothing was taken), locked, released (at least in
   * part signed away), refunding, closed (nothing of it is locked any more).
   * provider: received, redeeming, redeemed, returned (signed back to the customer), lost (spent by the other side).
   */
  state:
    | 'pending'
    | 'failed'
    | 'locked'
    | 'released'
    | 'refunding'
    | 'closed'
    | 'received'
    | 'redeeming'
    | 'redeemed'
    | 'returned'
    | 'lost'
  /** The agreed price. */
  price: Sats
  /** Face values of the whole lock and of its parts: released + refunded + what is still locked = amount. */
  amount: Sats
  /** Released and not yet seen redeemed, and released and redeemed, together. */
  released: Sats
  paid: Sats
  refunded: Sats
  /** Fees this side paid for this lock. */
  fee: Sats
  locktime: number
  token: string | undefined
}

export type Accounts = {
  available: Sats
  locked: Sats
  /** Signed away, not yet seen redeemed. */
  released: Sats
  /** Paid to the mint by Lightning, not yet issued. */
  pendingIn: Sats
  /** Inputs of swaps and payments under way; their change comes back. */
  pendingOut: Sats
  /** Redeemed by providers, in face values. */
  paid: Sats
  /** Redeemed from customers, in face values. */
  earned: Sats
  /** To mints and Lightning. */
  fees: Sats
}

export type Balance = Accounts & { mints: Record<string, Accounts> }

export type TopUp = {
  quote: string
  /** BOLT-11. */
  invoice: string
  /** Unix seconds. */
  expires: number
  /** When the sats are in the balance. Rejects when the invoice expires unpaid or the wallet is closed; the top-up itself goes on by `settle`. */
  paid: Promise<Sats>
}

/** @property pending  the payment's end is not known yet; `settle` finds out. `fee` is then the most it can be. */
export type Withdrawal = { paid: Sats; fee: Sats; preimage?: string; pending?: true }

/** One entry of the ledger: signed changes per account that sum to zero. */
export type HistoryEntry = {
  id: number
  /** Unix seconds. */
  at: number
  kind: string
  /** The lock, quote or operation it belongs to. */
  about: string
  mint: string
  changes: Record<string, number>
}

/** What `audit` found wrong, in words; empty when everything agrees. */
export type Audit = { problems: string[] }

/** Open locks and unfinished swaps, as JSON, for the job's checkpoint: what the mnemonic alone cannot restore. */
export type Backup = { v: 1; counters: Record<string, number>; locks: unknown[]; operations: unknown[] }

export interface Wallet {
  balance(): Balance
  topUp(mint: string, amount: Sats): Promise<TopUp>
  withdraw(mint: string, invoice: string): Promise<Withdrawal>
  /** What a withdrawal would cost, before it is made. `fee` is the most it can be. */
  quoteWithdrawal(mint: string, invoice: string): Promise<{ amount: Sats; fee: Sats }>
  /** What a lock of this price would take from the balance now: `amount` (face) and `fee`. */
  quoteLock(mint: string, price: Sats): Promise<{ amount: Sats; fee: Sats }>
  lock(request: LockRequest): Promise<Locked>
  /** Signs the largest part whose net value is at most `amount`. The first decision stands: a repeated call returns it. */
  release(request: { id: string; amount: Sats; secret: Uint8Array }): Released
  refund(request: {
    id: string
    keys: { customer: Uint8Array; refund: Uint8Array }
    witnesses?: Witness[]
  }): Promise<Refunded | { notBefore: number }>
  lockState(id: string): LockState | undefined
  receiveLock(request: {
    id: string
    token: string
    /** Mints this provider takes. */
    mints?: string[]
    expect: LockTerms & { mint: string; amount: Sats }
  }): Promise<void>
  giveBack(request: { id: string; secret: Uint8Array }): Witness[]
  redeem(request: { id: string; witnesses: Witness[]; secret: Uint8Array }): Promise<Redeemed>
  settle(): Promise<void>
  history(limit?: number): HistoryEntry[]
  backup(job?: string): Backup
  /** NUT-13 and NUT-09: what the mnemonic can find at these mints, and the locks of a backup. */
  restore(request: { mints: string[]; backup?: Backup }): Promise<{ found: Sats; locks: number }>
  /** Checks the ledger, the proofs and, with `mints`, each mint's own answer (NUT-07). */
  audit(options?: { mints?: boolean }): Promise<Audit>
  /** Stops polling. Unfinished business goes on at the next `settle`. */
  close(): void
}
