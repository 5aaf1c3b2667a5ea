import { setTimeout as delay } from 'node:timers/promises'
import { UserError } from '../../shared/errors.ts'
import { sats } from '../../shared/units.ts'
import type { Database } from '../store/index.ts'
import { audit } from './audit.ts'
import { makeBackup } from './backup.ts'
import type { Context, Log } from './context.ts'
import { createEngine } from './engine.ts'
import { createLedger } from './ledger.ts'
import { lock, lockEnding, lockState, planLock } from './lock.ts'
import { createLocks } from './locks.ts'
import { createMints } from './mints.ts'
import { createOperations } from './operations.ts'
import { createProofs } from './proofs.ts'
import { giveBack, redeem, redeemEnding } from './provide.ts'
import { createQuotes } from './quotes.ts'
import { receiveLock } from './receive-lock.ts'
import { refund, refundEnding } from './refund.ts'
import { release } from './release.ts'
import { restore } from './restore.ts'
import { createSettle } from './settle.ts'
import { splitWithFee } from './split.ts'
import { awaitTopUp, mintEnding, requestTopUp, sendMint } from './top-up.ts'
import type { Limits, Wallet } from './types.ts'
import { meltEnding, quoteWithdrawal, sendMelt, withdraw } from './withdraw.ts'

export type WalletOptions = {
  /** Migrated; the wallet's tables are 0003-wallet.sql. */
  db: Database
  /** BIP-39 seed, 64 bytes (NUT-13). It is never stored. */
  seed: Uint8Array
  limits?: Limits
  /** Unix seconds. */
  now?: () => number
  /** Never told a secret. */
  log?: Log
  /** Milliseconds a mint has for an answer; a Lightning payment has 4.5 times as long. */
  timeoutMs?: number
  /** Told after every step that a crash may follow; tests kill the process there. */
  step?: (name: string) => void
}

/** A wallet of Cashu proofs at several mints, with escrow. Its state is the database; `settle` finishes what was begun. */
export async function openWallet(options: WalletOptions): Promise<Wallet> {
  const { db, seed, limits = {} } = options
  if (seed.length !== 64) throw new RangeError(`a BIP-39 seed has 64 bytes, not ${seed.length}`)
  const now = options.now ?? (() => Math.floor(Date.now() / 1000))
  const step = options.step ?? (() => {})
  const quotes = createQuotes(db, now)
  const mints = createMints({ db, timeoutMs: options.timeoutMs ?? 20_000 })
  const operations = createOperations(db, now)
  const engine = createEngine({
    db,
    mints,
    operations,
    step,
    senders: { mint: sendMint, melt: sendMelt },
    endings: () => endings,
  })
  const context: Context = {
    db,
    limits,
    now,
    step,
    log: options.log ?? (() => {}),
    mints,
    operations,
    engine,
    ledger: createLedger(db, now),
    proofs: createProofs(db, seed),
    locks: createLocks(db, now),
  }
  const endings = {
    lock: lockEnding(context),
    refund: refundEnding(context),
    redeem: redeemEnding(context),
    mint: mintEnding(context, quotes),
    melt: meltEnding(context, quotes),
  }
  const closing = new AbortController()
  const pause = async (ms: number) => {
    await delay(ms, undefined, { signal: closing.signal }).catch(() => {
      throw new UserError('payments/closed', {
        message: 'The wallet was closed before the invoice was paid.',
        fix: 'Open it again: a payment that came meanwhile is found by itself.',
      })
    })
  }

  return {
    balance: () => context.ledger.balance(),
    async topUp(mint, amount) {
      const quote = await requestTopUp(context, quotes, mint, amount)
      const paid = awaitTopUp(context, quotes, quote, pause)
      paid.catch(() => {}) // whoever wants to know awaits it; settle goes on either way
      return { quote: quote.id, invoice: quote.request, expires: quote.expiry, paid }
    },
    withdraw: (mint, invoice) => withdraw(context, quotes, mint, invoice),
    async quoteWithdrawal(mint, invoice) {
      const { amount, reserve } = await quoteWithdrawal(context, mint, invoice)
      return { amount: sats(amount), fee: sats(reserve) }
    },
    async quoteLock(address, price) {
      const mint = await mints.load(address)
      const plan = planLock(context, mint, price)
      if (plan) return { amount: sats(plan.face), fee: sats(plan.fee) }
      const { feePpk, keys } = mint.active()
      const face = splitWithFee(price, feePpk, Object.keys(keys).map(Number)).reduce((a, b) => a + b, 0)
      return { amount: sats(face), fee: sats(Math.ceil(feePpk / 1000)) }
    },
    lock: request => lock(context, request),
    release: request => release(context, request),
    refund: request => refund(context, request),
    lockState: id => lockState(context, id),
    receiveLock: request => receiveLock(context, request),
    giveBack: request => giveBack(context, request),
    redeem: request => redeem(context, request),
    settle: createSettle(context, quotes),
    history: (limit = 1000) => context.ledger.history(limit),
    backup: job => makeBackup(context, job),
    restore: request => restore(context, request),
    audit: (asked = {}) => audit(context, asked),
    close: () => closing.abort(),
  }
}
