import { UserError } from '../../shared/errors.ts'
import type { Database } from '../store/index.ts'
import type { Operations } from './operations.ts'
import type { Limits } from './types.ts'

const DAY = 86_400

/** @returns what a job has locked, paid and lost in fees so far, in face values; what came back does not count */
function spentOn(db: Database, job: string): number {
  const one = (sql: string) => db.prepare<{ n: number | null }>(sql).get(job)?.n ?? 0
  const locks = "from wallet_lock where job = ? and role = 'customer'"
  return (
    one(`select sum(fee + refund_fee) n ${locks} and state <> 'failed'`) +
    one(`select sum(amount) n ${locks} and state = 'pending'`) +
    one(
      `select sum(amount) n from wallet_lock_proof where state <> 'refunded' and lock in (select id ${locks})`,
    )
  )
}

/** What left in the last 24 hours or is about to, less what came back. */
function spentToday(db: Database, operations: Operations, now: number): number {
  const row = db
    .prepare<{ spent: number | null }>(
      `select sum(amount) spent from ledger_line join ledger_entry on id = entry
       where at > ? and kind not in ('restored', 'top-up', 'redeem')
         and account in ('locked', 'released', 'paid', 'fees', 'external')`,
    )
    .get(now - DAY)
  const sum = (items: { amount: number }[]) => items.reduce((total, { amount }) => total + amount, 0)
  const underWay = operations
    .open()
    .filter(({ purpose }) => purpose === 'lock' || purpose === 'melt')
    .map(({ inputs, outputs }) => sum(inputs) - sum(outputs.filter(o => o.use === 'keep')))
  return Math.max(0, (row?.spent ?? 0) + underWay.reduce((total, amount) => total + amount, 0))
}

/**
 * The one place where spending is refused. Called in the transaction that reserves, so two at once cannot both pass.
 * @param spend.amount  what is about to leave, fees included
 * @throws UserError `payments/cap` or `payments/limit-…`
 */
export function checkLimits(
  {
    db,
    limits,
    operations,
    now,
  }: { db: Database; limits: Limits; operations: Operations; now: () => number },
  spend: { amount: number; lock?: { job: string; cap: number } },
): void {
  const { amount, lock } = spend
  if (lock) {
    const spent = spentOn(db, lock.job)
    const refuse = (code: string, limit: number, what: string, fix: string) => {
      if (spent + amount > limit)
        throw new UserError(code, {
          message: `This would bring the job to ${spent + amount} sat spent and locked, fees included; ${what} is ${limit} sat.`,
          fix,
        })
    }
    refuse(
      'payments/cap',
      lock.cap,
      'its budget',
      'Wait until a lock has come back; a new job can have a larger budget.',
    )
    if (limits.perJob !== undefined)
      refuse(
        'payments/limit-job',
        limits.perJob,
        'the limit per job',
        'Have a smaller job trained: fewer providers or fewer rounds.',
      )
    if (limits.perRound !== undefined && amount > limits.perRound)
      throw new UserError('payments/limit-round', {
        message: `This round would take ${amount} sat with its fee; the limit per round is ${limits.perRound} sat.`,
        fix: 'Hire for less a round: fewer steps, or providers that ask less.',
      })
  }
  if (limits.perDay === undefined) return
  const today = spentToday(db, operations, now())
  if (today + amount > limits.perDay)
    throw new UserError('payments/limit-day', {
      message: `${today} sat have left in the last 24 hours; ${amount} more would exceed the limit of ${limits.perDay} sat a day.`,
      fix: 'Wait: what left more than 24 hours ago does not count.',
    })
}
