import { sats } from '../../shared/units.ts'
import type { Database } from '../store/index.ts'
import type { Accounts, Balance, HistoryEntry } from './types.ts'

/**
 * What is ours, and where (available to pendingOut), and where it went to or came from. `earned` and `external` are
 * sources: they grow downwards. Only `external`, the world beyond, may have any sign.
 */
type Account =
  | 'available'
  | 'locked'
  | 'released'
  | 'pendingIn'
  | 'pendingOut'
  | 'paid'
  | 'fees'
  | 'earned'
  | 'external'
export type Changes = Partial<Record<Account, number>>

type Total = { mint: string; account: Account; amount: number }

export type Ledger = ReturnType<typeof createLedger>

/**
 * Double-entry ledger. Every entry's lines sum to zero, and so do all accounts together; what is held or spent never
 * falls below zero at any mint. All of it is checked after every entry, inside the transaction that makes it: an entry that
 * does not add up takes its whole transaction back.
 */
export function createLedger(db: Database, now: () => number) {
  function record(kind: string, about: string, mint: string, changes: Changes): void {
    const lines = Object.entries(changes).filter(([, amount]) => amount !== 0)
    if (lines.length === 0) return
    db.transaction(() => {
      const { lastInsertRowid: entry } = db
        .prepare('insert into ledger_entry (at, kind, about, mint) values (?, ?, ?, ?)')
        .run(now(), kind, about, mint)
      for (const [account, amount] of lines) add(entry, mint, account, amount)
      const problems = check()
      if (problems.length > 0) throw new Error(`ledger entry "${kind}" for ${about}: ${problems.join('; ')}`)
    })
  }

  function add(entry: number, mint: string, account: string, amount: number): void {
    db.prepare('insert into ledger_line (entry, account, amount) values (?, ?, ?)').run(
      entry,
      account,
      amount,
    )
    db.prepare(
      `insert into ledger_total (mint, account, amount) values (?, ?, ?)
       on conflict (mint, account) do update set amount = amount + excluded.amount`,
    ).run(mint, account, amount)
  }

  const totals = () =>
    db.prepare<Total>('select mint, account, amount from ledger_total order by mint, account').all()

  /** Whether the totals are what all lines sum to, from the first one on: in words where they are not. */
  function recount(): string[] {
    const sums = db
      .prepare<Total>(
        `select mint, account, sum(amount) amount from ledger_line join ledger_entry on id = entry
         group by mint, account order by mint, account`,
      )
      .all()
    return JSON.stringify(sums) === JSON.stringify(totals())
      ? []
      : ['the totals of the accounts are not what their entries sum to']
  }

  /** What does not add up, in words. */
  function check(): string[] {
    const rows = totals()
    const sum = rows.reduce((total, row) => total + row.amount, 0)
    const negative = rows.filter(({ account, amount }) =>
      account === 'earned' ? amount > 0 : account !== 'external' && amount < 0,
    )
    return [
      ...(sum === 0 ? [] : [`all accounts sum to ${sum}, not 0`]),
      ...negative.map(row => `${row.account} at ${row.mint} is ${row.amount}`),
    ]
  }

  function balance(): Balance {
    const rows = totals()
    const accounts = (of: typeof rows): Accounts => {
      const value = (account: Account) =>
        of.filter(row => row.account === account).reduce((total, row) => total + row.amount, 0)
      return {
        available: sats(value('available')),
        locked: sats(value('locked')),
        released: sats(value('released')),
        pendingIn: sats(value('pendingIn')),
        pendingOut: sats(value('pendingOut')),
        paid: sats(value('paid')),
        earned: sats(Math.abs(value('earned'))),
        fees: sats(value('fees')),
      }
    }
    const mints = [...new Set(rows.map(row => row.mint))]
    return {
      ...accounts(rows),
      mints: Object.fromEntries(mints.map(mint => [mint, accounts(rows.filter(row => row.mint === mint))])),
    }
  }

  function history(limit: number): HistoryEntry[] {
    const entries = db
      .prepare<{ id: number; at: number; kind: string; about: string; mint: string }>(
        'select * from ledger_entry order by id desc limit ?',
      )
      .all(limit)
    return entries.map(entry => ({
      ...entry,
      changes: Object.fromEntries(
        db
          .prepare<{ account: string; amount: number }>(
            'select account, amount from ledger_line where entry = ?',
          )
          .all(entry.id)
          .map(line => [line.account, line.amount]),
      ),
    }))
  }

  return { record, check, recount, balance, history }
}
