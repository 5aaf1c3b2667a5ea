import type { Database } from '../store/index.ts'

interface Acquaintance {
  roundsPaid: number
  roundsUnpaid: number
  roundsRejected: number
}

/**
 * What this home has lived through with others, by their identity. A stranger (no round paid) begins with a short
 * round; a customer that left a round unpaid, or a provider whose work was rejected, is not engaged again.
 */
export function openAcquaintances(db: Database) {
  const note =
    (column: 'rounds_paid' | 'rounds_unpaid' | 'rounds_rejected') =>
    (pubkey: string, role: 'customer' | 'provider') =>
      void db
        .prepare(
          `insert into acquaintance (pubkey, role, ${column}) values (?, ?, 1)
         on conflict (pubkey, role) do update set ${column} = ${column} + 1`,
        )
        .run(pubkey, role)
  return {
    of(pubkey: string, role: 'customer' | 'provider'): Acquaintance {
      const row = db
        .prepare<{ paid: number; unpaid: number; rejected: number }>(
          'select rounds_paid paid, rounds_unpaid unpaid, rounds_rejected rejected from acquaintance where pubkey = ? and role = ?',
        )
        .get(pubkey, role)
      return {
        roundsPaid: row?.paid ?? 0,
        roundsUnpaid: row?.unpaid ?? 0,
        roundsRejected: row?.rejected ?? 0,
      }
    },
    /** Each joins the caller's transaction, so that a round counts once. */
    paid: note('rounds_paid'),
    unpaid: note('rounds_unpaid'),
    rejected: note('rounds_rejected'),
  }
}
export type Acquaintances = ReturnType<typeof openAcquaintances>
